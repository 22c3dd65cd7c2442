/*
 * Answers what petrichor conform asks; docs/porting.md is the contract.  Each
 * question is a line on stdin, each answer a line on stdout.
 *
 *	petrichor conform -- verdict
 */

#define _DEFAULT_SOURCE
#include "support.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct question {
	char *read;
	char *wire;
	size_t size;
	petrichor_options options;
} question;

static void add_format(text *t, const char *format, unsigned long n)
{
	char some[64];
	snprintf(some, sizeof some, format, n);
	add_words(t, some);
}

/* add_string adds bytes as a JSON string, a character for each. */
static void add_string(text *t, const char *b, size_t n)
{
	add_words(t, "\"");
	for (size_t i = 0; i < n; i++) {
		if (b[i] < ' ' || b[i] > '~' || b[i] == '"' || b[i] == '\\')
			add_format(t, "\\u%04lx", (unsigned char)b[i]);
		else
			add(t, b + i, 1);
	}
	add_words(t, "\"");
}

static void add_number(text *t, const petrichor_element *el)
{
	char some[64];
	int64_t n;
	double d;
	if (el->kind == PETRICHOR_INT && petrichor_to_int(el, &n) > 0)
		snprintf(some, sizeof some, "\"%lld\"", (long long)n);
	else if (el->kind == PETRICHOR_FLOAT && petrichor_to_double(el, &d) > 0)
		snprintf(some, sizeof some, "\"%.17g\"", d);
	else {
		add_string(t, el->payload, el->size); /* more than 64 bits */
		return;
	}
	add_words(t, some);
}

static void add_value(text *t, const petrichor_element *el, const petrichor_options *o);

static void add_list(text *t, const petrichor_element *list, const petrichor_options *o)
{
	petrichor_walk w = petrichor_inside(list, o);
	petrichor_element el;
	for (const char *comma = "["; petrichor_next(&w, &el) > 0; comma = ",") {
		add_words(t, comma);
		add_value(t, &el, o);
	}
	add_words(t, list->size ? "]" : "[]");
}

static void add_dict(text *t, const petrichor_element *dict, const petrichor_options *o)
{
	petrichor_walk w = petrichor_inside(dict, o);
	petrichor_element key, value;
	for (const char *comma = "["; petrichor_next_entry(&w, &key, &value) > 0; comma = ",") {
		add_words(t, comma);
		add_words(t, "[");
		add_string(t, key.payload, key.size);
		add_words(t, ",");
		add_value(t, &value, o);
		add_words(t, "]");
	}
	add_words(t, dict->size ? "]" : "[]");
}

static void add_value(text *t, const petrichor_element *el, const petrichor_options *o)
{
	int yes = 0;
	add_words(t, "{\"type\":\"");
	add_words(t, petrichor_kind_name(el->kind));
	add_words(t, el->kind == PETRICHOR_NULL ? "\"" : "\",\"value\":");
	switch (el->kind) {
	case PETRICHOR_NULL: break;
	case PETRICHOR_BOOL:
		must(petrichor_to_bool(el, &yes) > 0, "no bool");
		add_words(t, yes ? "true" : "false");
		break;
	case PETRICHOR_INT: case PETRICHOR_FLOAT: add_number(t, el); break;
	case PETRICHOR_LIST: add_list(t, el, o); break;
	case PETRICHOR_DICT: add_dict(t, el, o); break;
	default: add_string(t, el->payload, el->size);
	}
	add_words(t, "}");
}

/* add_values adds the elements in b[0..n), which are well formed, and how they are written. */
static void add_values(text *t, const char *b, size_t n, const petrichor_options *o)
{
	petrichor_options walking = petrichor_buffer_options;
	petrichor_element el;
	text canon = {NULL, 0, 0};
	walking.allow = o->allow;
	rewrite(&canon, b, n, o->allow);
	add_words(t, ",\"values\":[");
	for (ptrdiff_t got; n > 0; b += got, n -= (size_t)got) {
		got = petrichor_cut(b, n, &walking, &el, NULL);
		must(got > 0, "values of what is malformed");
		add_value(t, &el, &walking);
		add_words(t, n > (size_t)got ? "," : "");
	}
	add_words(t, "],\"canon\":");
	add_string(t, canon.bytes, canon.size);
	free(canon.bytes);
}

static void add_verdict(text *t, verdict v)
{
	add_words(t, "{\"verdict\":\"");
	add_words(t, layer(v.got));
	add_words(t, "\"");
	if (v.got < 0)
		add_format(t, ",\"at\":%lu", (unsigned long)v.at);
}

static void answer_element(text *t, const question *q)
{
	verdict v = checked(q->wire, q->size, &q->options);
	add_verdict(t, v);
	if (v.got == OK)
		add_values(t, q->wire, q->size, &q->options);
}

static int is_allowed(const char *b, size_t n, const petrichor_options *o)
{
	petrichor_frame f;
	return petrichor_cut_frame(b, n, o, &f, NULL) > 0 && petrichor_allowed(f.header, NULL);
}

static void answer_frames(text *t, const question *q)
{
	text frames = {NULL, 0, 0};
	verdict v = all_frames(q->wire, q->size, 1, &q->options, &frames);
	if (strcmp(q->read, "answer") == 0 && q->size == 0)
		v.got = PETRICHOR_SHORT; /* no frame is no answer */
	add_verdict(t, v);
	if (v.got == OK)
		add_values(t, frames.bytes, frames.size, &q->options);
	if (strcmp(q->read, "answer") == 0)
		add_words(t, v.got == OK && is_allowed(frames.bytes, frames.size, &q->options) ?
			",\"allowed\":true" : ",\"allowed\":false");
	free(frames.bytes);
}

/* accepted is what accept says of a peer that sends the wire and ends. */
static int accepted(const question *q, petrichor_conn *c, petrichor_frame *f)
{
	int ends[2];
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "no sockets");
	must(write(ends[1], q->wire, q->size) == (ssize_t)q->size, "cannot write %zu bytes", q->size);
	close(ends[1]);
	int got = petrichor_accept(c, ends[0], f, NULL);
	return got == PETRICHOR_CLOSED || got == PETRICHOR_CUT_OFF ? PETRICHOR_SHORT : got;
}

static void answer_first(text *t, const question *q)
{
	petrichor_conn c;
	petrichor_frame f;
	text frame = {NULL, 0, 0}, again = {NULL, 0, 0};
	petrichor_options o = petrichor_stream_options;
	verdict v = {accepted(q, &c, &f), 0};
	size_t rest = 0;
	if (v.got > 0) {
		add(&frame, f.header.bytes, f.header.size);
		add(&frame, f.body.bytes, f.body.size);
		rest = petrichor_buffered(&c.reader);
	}
	o.max_frame = 16 << 10;
	if (v.got < 0) /* an accept that failed has forgotten where */
		v.at = all_frames(q->wire, q->size, 1, &o, &again).at;
	if (v.got > 0)
		v = all_frames(frame.bytes, frame.size, 1, &o, &again);
	add_verdict(t, v);
	if (v.got == OK) {
		add_values(t, frame.bytes, frame.size, &o);
		add_format(t, ",\"rest\":%lu", rest);
	}
	petrichor_close(&c);
	free(frame.bytes);
	free(again.bytes);
}

/* obey changes the options as a word says: 0 if there is no such word here. */
static int obey(petrichor_options *o, const char *word)
{
	static const struct { const char *name; unsigned allow; } known[] = {
		{"text", PETRICHOR_ALLOW_TEXT}, {"duplicates", PETRICHOR_ALLOW_DUPLICATES},
		{"loose", PETRICHOR_ALLOW_LOOSE}, {"nonfinite", PETRICHOR_ALLOW_NONFINITE}};
	unsigned long n;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strcmp(word, known[i].name) == 0)
			return o->allow |= known[i].allow, 1;
	if (sscanf(word, "size=%lu", &n) == 1)
		return o->max_size = n, 1;
	if (sscanf(word, "header=%lu", &n) == 1)
		return o->max_header = n, 1;
	if (sscanf(word, "depth=%lu", &n) == 1)
		return o->max_depth = n, 1;
	return sscanf(word, "values=%lu", &n) == 1 ? (o->max_values = n, 1) : 0;
}

/* unhex reads hex where it stands. */
static size_t unhex(char *b)
{
	size_t n = 0;
	for (unsigned byte; sscanf(b + 2 * n, "%2x", &byte) == 1; n++)
		b[n] = (char)byte;
	return n;
}

static void answer(text *t, char *line)
{
	question q = {strtok(line, " \n"), NULL, 0, petrichor_stream_options};
	must(q.read, "an empty line");
	if (strcmp(q.read, "element") == 0)
		q.options = petrichor_buffer_options;
	for (char *word = strtok(NULL, " \n"), *next; word; word = next) {
		next = strtok(NULL, " \n");
		if (!next)
			q.wire = word;
		else if (!obey(&q.options, word)) {
			add_words(t, "{\"verdict\":\"unsupported\"}\n");
			return;
		}
	}
	must(q.wire, "a question without a wire");
	q.size = unhex(q.wire);
	if (strcmp(q.read, "element") == 0)
		answer_element(t, &q);
	else if (strcmp(q.read, "first") == 0)
		answer_first(t, &q);
	else
		answer_frames(t, &q);
	add_words(t, "}\n");
}

int main(void)
{
	char *line = NULL;
	size_t room = 0;
	while (getline(&line, &room, stdin) > 0) {
		text t = {NULL, 0, 0};
		answer(&t, line);
		fwrite(t.bytes, 1, t.size, stdout);
		fflush(stdout);
		free(t.bytes);
	}
	free(line);
	return 0;
}
