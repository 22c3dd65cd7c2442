/*
 * Says what this library makes of inputs, for a program that compares it with
 * another.  An input is a frame on stdin:
 *
 *	{read: "element" or "frames", allow: N, size: N, depth: N, values: N} and a string
 *
 * where the numbers replace those of the options.  The answer is a frame with a
 * string on stdout, in lines:
 *
 *	check WHAT at N       whole, all the way down; WHAT is ok or as petrichor_explain says
 *	cut WHAT at N         the first element
 *	trace ...             if it is ok, and then, up to the end, how it is written
 *
 *	frames WHAT at N      all frames, or those before a fault
 *	allowed N             if there is one, what the first one answers; then the frames
 */

#define _DEFAULT_SOURCE
#include "support.h"

#include <string.h>
#include <unistd.h>

static void add_verdict(text *t, const char *entrance, verdict v)
{
	char line[128];
	snprintf(line, sizeof line, "%s %s at %lu\n", entrance,
		v.got == OK ? "ok" : petrichor_explain(v.got), (unsigned long)v.at);
	add_words(t, line);
}

static void say_element(text *t, const char *b, size_t n, const petrichor_options *o)
{
	verdict check = checked(b, n, o), cut = cut_first(b, n, o);
	for (size_t portion = 1; portion <= n; portion = 4 * portion + 1) {
		verdict read = read_first(b, n, portion, o);
		if (!same(read, cut))
			add_verdict(t, "the reader disagrees:", read);
	}
	if (cut.got == PETRICHOR_SHORT && !same(check, cut))
		add_words(t, "check disagrees with cut\n");
	add_verdict(t, "check", check);
	cut.at = cut.got == PETRICHOR_SHORT ? 0 : cut.at;
	add_verdict(t, "cut", cut);
	if (check.got != OK)
		return;
	text line = {NULL, 0, 0};
	trace(&line, b, n, o->allow);
	add_words(t, "trace ");
	add(t, line.bytes, line.size);
	add_words(t, "\n");
	rewrite(t, b, n, o->allow);
	free(line.bytes);
}

static void say_frames(text *t, const char *b, size_t n, const petrichor_options *o)
{
	text whole = {NULL, 0, 0};
	petrichor_frame f;
	verdict want = all_frames(b, n, 0, o, &whole);
	for (size_t portion = 1; portion <= n; portion = 4 * portion + 1) {
		text frames = {NULL, 0, 0};
		verdict read = all_frames(b, n, portion, o, &frames);
		if (!same(read, want) || frames.size != whole.size || (whole.size && memcmp(frames.bytes, whole.bytes, whole.size)))
			add_verdict(t, "the reader disagrees:", read);
		free(frames.bytes);
	}
	add_verdict(t, "frames", want);
	if (petrichor_cut_frame(b, n, o, &f, NULL) > 0)
		add_words(t, petrichor_allowed(f.header, NULL) ? "allowed 1\n" : "allowed 0\n");
	add(t, whole.bytes, whole.size);
	free(whole.bytes);
}

static size_t number(const petrichor_element *header, const char *key, size_t otherwise)
{
	petrichor_element el;
	uint64_t n;
	if (petrichor_get(header, key, &el) <= 0)
		return otherwise;
	must(petrichor_to_uint(&el, &n) > 0 && n <= SIZE_MAX, "%s is no number", key);
	return (size_t)n;
}

static void say(text *t, petrichor_frame f)
{
	petrichor_element header, body, read;
	must(petrichor_check(f.header.bytes, f.header.size, NULL, &header, NULL) > 0, "a malformed header");
	must(petrichor_cut(f.body.bytes, f.body.size, NULL, &body, NULL) > 0, "a malformed body");
	must(petrichor_get(&header, "read", &read) > 0, "a header without read");
	int frames = petrichor_is(&read, "frames");
	petrichor_options o = frames ? petrichor_stream_options : petrichor_buffer_options;
	o.allow = (unsigned)number(&header, "allow", o.allow);
	o.max_size = number(&header, "size", o.max_size);
	o.max_depth = number(&header, "depth", o.max_depth);
	o.max_values = number(&header, "values", o.max_values);
	if (frames)
		say_frames(t, body.payload, body.size, &o);
	else
		say_element(t, body.payload, body.size, &o);
}

static void answer(petrichor_frame f)
{
	text t = {NULL, 0, 0};
	say(&t, f);
	printf("0:}%zu:", t.size);
	fwrite(t.bytes, 1, t.size, stdout);
	putchar(',');
	free(t.bytes);
}

int main(void)
{
	static char some[1 << 16];
	petrichor_options o = petrichor_buffer_options;
	petrichor_reader r;
	petrichor_frame f;
	int got = PETRICHOR_SHORT;
	petrichor_reader_init(&r, &o);
	while (got == PETRICHOR_SHORT) {
		fflush(stdout);
		ssize_t n = read(STDIN_FILENO, some, sizeof some);
		if (n <= 0)
			break;
		must(petrichor_feed(&r, some, (size_t)n) > 0, "no memory");
		while ((got = petrichor_read_frame(&r, &f)) > 0)
			answer(f);
	}
	must(got == PETRICHOR_SHORT && petrichor_buffered(&r) == 0, "%s", petrichor_explain(got));
	petrichor_reader_free(&r);
	return 0;
}
