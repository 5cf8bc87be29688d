/* SPDX-License-Identifier: ISC */
/* vipd. */
#include "lib/log.h"
#include "lib/proc.h"
#include "master/master.h"

int
main(int argc, char **argv)
{
	master_signals_block();
	log_init("vipd");
	proc_title_init(argc, argv);
	return start_main(argc, argv);
}
