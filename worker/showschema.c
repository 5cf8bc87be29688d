/* SPDX-License-Identifier: ISC */
/* "show schema json": what "show info json" and "show stat json" consist of, as JSON Schema (draft
 * 4). The words of the tags are those of statout.c; a system test holds the answers against it. */
#include "worker/show.h"

#define REF(name) "{\"$ref\":\"#/definitions/" name "\"}"
#define FIELD_MEMBERS                                                                    \
	"\"field\":" REF("field") ",\"processNum\":" REF("processNum") ",\"tags\":" REF( \
	    "tags") ",\"value\":" REF("typedValue")
#define NATURAL "{\"type\":\"integer\",\"minimum\":0}"
#define VALUE(word, value)                                                     \
	"{\"properties\":{\"type\":{\"enum\":[\"" word "\"]},\"value\":" value \
	"},\"required\":[\"type\",\"value\"]}"

static const char schema[] =
    "{\"$schema\":\"http://json-schema.org/draft-04/schema#\",\"oneOf\":["
    "{\"title\":\"Info\",\"type\":\"array\",\"items\":" REF(
	"infoItem") "},"
		    "{\"title\":\"Stat\",\"type\":\"array\",\"items\":{\"type\":\"array\","
		    "\"items\":" REF(
			"statItem") "}}],\"definitions\":{"
				    "\"infoItem\":{\"type\":\"object\",\"properties\":"
				    "{" FIELD_MEMBERS "},"
				    "\"required\":[\"field\",\"processNum\",\"tags\",\"value\"]},"
				    "\"statItem\":{\"type\":\"object\",\"properties\":{"
				    "\"objType\":{\"enum\":[\"Frontend\",\"Backend\",\"Server\"]},"
				    "\"proxyId\":" NATURAL ",\"id\":" NATURAL "," FIELD_MEMBERS "},"
				    "\"required\":[\"objType\",\"proxyId\",\"id\",\"field\","
				    "\"processNum\",\"tags\","
				    "\"value\"]},"
				    "\"field\":{\"type\":\"object\",\"properties\":{"
				    "\"pos\":" NATURAL ",\"name\":{\"type\":\"string\"}},"
				    "\"required\":[\"pos\",\"name\"]},"
				    "\"processNum\":{\"type\":\"integer\",\"minimum\":1},"
				    "\"tags\":{\"type\":\"object\",\"properties\":{"
				    "\"origin\":{\"enum\":[\"Metric\",\"Status\",\"Key\","
				    "\"Config\",\"Product\"]},"
				    "\"nature\":{\"enum\":[\"Age\",\"Avg\",\"Counter\","
				    "\"Duration\",\"Gauge\",\"Limit\","
				    "\"Max\",\"Min\",\"Name\",\"Rate\",\"Time\",\"Key\",\"Output\"]"
				    "},"
				    "\"scope\":{\"enum\":[\"Process\",\"Service\"]}},"
				    "\"required\":[\"origin\",\"nature\",\"scope\"]},"
				    "\"typedValue\":{\"oneOf\":[" VALUE(
					"str", "{\"type\":\"string\"}") "," VALUE("s32",
					"{\"type\":\"integer\",\"minimum\":-2147483648,\"maximum\":"
					"2147483647}") "," VALUE("u32",
					"{\"type\":\"integer\",\"minimum\":0,\"maximum\":"
					"4294967295}") "," VALUE("u64", NATURAL) "]}}}\n";

bool
show_schema_run(struct command_run *run, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	buf_puts(run->out, schema);
	return false;
}
