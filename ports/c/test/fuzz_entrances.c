/*
 * Cutting, checking and feeding byte by byte say the same of any bytes, and what
 * they accept is written again as it was, floats apart, which are written one way.
 */

#include "support.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int has_float(const petrichor_element *el, const petrichor_options *o)
{
	petrichor_walk w = petrichor_inside(el, o);
	petrichor_element inner;
	int found = el->kind == PETRICHOR_FLOAT;
	while (!found && petrichor_next(&w, &inner) > 0)
		found = has_float(&inner, o);
	return found;
}

static void must_rewrite(const char *b, size_t n, const petrichor_options *o)
{
	petrichor_options roomy = *o; /* a float may be written longer than it was */
	petrichor_element el;
	text once = {NULL, 0, 0}, twice = {NULL, 0, 0};
	roomy.max_size = petrichor_buffer_options.max_size;
	rewrite(&once, b, n, o->allow);
	must(checked(once.bytes, once.size, &roomy).got == OK, "%.*s", (int)once.size, once.bytes);
	rewrite(&twice, once.bytes, once.size, o->allow);
	must(once.size == twice.size && memcmp(once.bytes, twice.bytes, once.size) == 0, "%.*s", (int)twice.size, twice.bytes);
	petrichor_cut(b, n, o, &el, NULL);
	if (!has_float(&el, o) && !(o->allow & PETRICHOR_ALLOW_LOOSE))
		must(once.size == n && memcmp(once.bytes, b, n) == 0, "%.*s", (int)once.size, once.bytes);
	free(once.bytes);
	free(twice.bytes);
}

/* must_agree compares a cut with a check: that looks further, and at all there is. */
static void must_agree(verdict cut, verdict check, size_t n)
{
	if (cut.got != OK)
		must(same(cut, check), "cut %d at %d, check %d at %d", cut.got, (int)cut.at, check.got, (int)check.at);
	else if (cut.at < n)
		must(check.got == PETRICHOR_TRAILING && check.at == cut.at, "check %d at %d", check.got, (int)check.at);
	else
		must(check.got == OK || (check.got < 0 && check.at < n), "check %d at %d", check.got, (int)check.at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	petrichor_options o = petrichor_buffer_options;
	if (n == 0)
		return 0;
	o.allow = data[0] & 15u;
	o.max_values = data[0] & 16u ? 8 : SIZE_MAX;
	o.max_size = data[0] & 32u ? 40 : petrichor_buffer_options.max_size;
	const char *b = (const char *)data + 1;
	verdict cut = cut_first(b, --n, &o), check = checked(b, n, &o), read = read_first(b, n, 1, &o);
	must(same(cut, read), "cut %d at %d, read %d at %d", cut.got, (int)cut.at, read.got, (int)read.at);
	must_agree(cut, check, n);
	if (check.got == OK)
		must_rewrite(b, n, &o);
	return 0;
}
