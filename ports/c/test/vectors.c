/*
 * Every vector of spec/vectors through every entrance, its bytes once flush
 * against the end and once against the beginning of memory that may be touched:
 * one byte too far is a crash.
 *
 *	vectors FILE...
 *	vectors -s DIR FILE...    only writes them there, each a file, to fuzz from
 */

#define _DEFAULT_SOURCE
#include "support.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LONGEST = 1 << 16 };

typedef struct vector {
	char name[128], read[16], want[32], expected[LONGEST]; /* expected: the trace */
	char wire[LONGEST], rest[LONGEST], canon[LONGEST];
	size_t size, rest_size, canon_size;
	long at;
	int has_rest, allowed;
	petrichor_options limits[2]; /* of a buffer, of a stream */
} vector;

/* unescape reads \\ and \xNN. */
static size_t unescape(char *to, const char *from)
{
	char *begin = to;
	for (; *from; to++) {
		unsigned byte = (unsigned char)*from++;
		if (byte == '\\' && *from == '\\')
			from++;
		else if (byte == '\\') {
			must(sscanf(from, "x%2x", &byte) == 1, "no escape: %s", from);
			from += 3;
		}
		*to = (char)byte;
	}
	return (size_t)(to - begin);
}

static unsigned allow_of(const char *value)
{
	return (strstr(value, "text") ? PETRICHOR_ALLOW_TEXT : 0u) |
		(strstr(value, "duplicates") ? PETRICHOR_ALLOW_DUPLICATES : 0u) |
		(strstr(value, "loose") ? PETRICHOR_ALLOW_LOOSE : 0u) |
		(strstr(value, "nonfinite") ? PETRICHOR_ALLOW_NONFINITE : 0u);
}

static void set_limits(petrichor_options *o, char *value)
{
	for (char *word = strtok(value, " "); word; word = strtok(NULL, " ")) {
		unsigned long n = strtoul(strchr(word, '=') + 1, NULL, 10);
		if (strncmp(word, "size=", 5) == 0)
			o->max_size = n;
		else if (strncmp(word, "header=", 7) == 0)
			o->max_header = n;
		else if (strncmp(word, "depth=", 6) == 0)
			o->max_depth = n;
		else {
			must(strncmp(word, "values=", 7) == 0, "no limit is called %s", word);
			o->max_values = n;
		}
	}
}

static void set(vector *v, const char *key, char *value)
{
	char again[256];
	snprintf(again, sizeof again, "%s", value);
	if (strcmp(key, "name") == 0)
		snprintf(v->name, sizeof v->name, "%s", value);
	else if (strcmp(key, "read") == 0)
		snprintf(v->read, sizeof v->read, "%s", value);
	else if (strcmp(key, "want") == 0)
		snprintf(v->want, sizeof v->want, "%s", value);
	else if (strcmp(key, "trace") == 0)
		snprintf(v->expected, sizeof v->expected, "%s", value);
	else if (strcmp(key, "wire") == 0)
		v->size = unescape(v->wire, value);
	else if (strcmp(key, "canon") == 0)
		v->canon_size = unescape(v->canon, value);
	else if (strcmp(key, "rest") == 0) {
		v->rest_size = unescape(v->rest, value);
		v->has_rest = 1;
	} else if (strcmp(key, "at") == 0)
		v->at = atol(value);
	else if (strcmp(key, "allowed") == 0)
		v->allowed = strcmp(value, "yes") == 0;
	else if (strcmp(key, "options") == 0)
		v->limits[0].allow = v->limits[1].allow = allow_of(value);
	else if (strcmp(key, "limits") == 0) {
		set_limits(&v->limits[0], value);
		set_limits(&v->limits[1], again);
	}
}

static void begin_vector(vector *v)
{
	memset(v, 0, sizeof *v);
	strcpy(v->read, "element");
	v->at = -1;
	v->limits[0] = petrichor_buffer_options;
	v->limits[1] = petrichor_stream_options;
}

/* next_vector reads a record: 0 at the end of the file. */
static int next_vector(FILE *in, vector *v)
{
	static char line[4 * LONGEST];
	begin_vector(v);
	while (fgets(line, sizeof line, in)) {
		line[strcspn(line, "\n")] = 0;
		char *value = strchr(line, ':');
		if (!*line && *v->name)
			return 1;
		if (!value || *line == '#')
			continue;
		*value++ = 0;
		set(v, line, value + strspn(value, " "));
	}
	return *v->name != 0;
}

/* guarded returns n bytes of memory between two pages that may not be touched. */
static char *guarded(const char *b, size_t n, int at_end)
{
	static char *map;
	static size_t page;
	if (!map) {
		page = (size_t)sysconf(_SC_PAGESIZE);
		map = mmap(NULL, 2 * page + LONGEST, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		must(map != MAP_FAILED, "no memory");
		mprotect(map, page, PROT_NONE);
		mprotect(map + page + LONGEST, page, PROT_NONE);
	}
	char *to = at_end ? map + page + LONGEST - n : map + page;
	memcpy(to, b, n);
	return to;
}

static void must_want(const vector *v, verdict got, const char *entrance)
{
	must(strcmp(layer(got.got), v->want) == 0, "%s: %s: %s at %lu, want %s", v->name, entrance,
		petrichor_explain(got.got), (unsigned long)got.at, v->want);
	must(got.got >= 0 || (long)got.at == v->at, "%s: %s: %s at %lu, want %ld", v->name, entrance,
		petrichor_explain(got.got), (unsigned long)got.at, v->at);
}

static void must_trace(const vector *v, const char *b, size_t n)
{
	text line = {NULL, 0, 0};
	trace(&line, b, n, v->limits[0].allow);
	must(line.size == strlen(v->expected) && (line.size == 0 || memcmp(line.bytes, v->expected, line.size) == 0),
		"%s: trace %.*s, want %s", v->name, (int)line.size, line.bytes, v->expected);
	free(line.bytes);
}

static void must_rewrite(const vector *v, const char *b, size_t n)
{
	text again = {NULL, 0, 0};
	int keeps_both = (v->limits[0].allow & PETRICHOR_ALLOW_DUPLICATES) != 0;
	const char *want = v->canon_size && !keeps_both ? v->canon : v->wire;
	size_t size = v->canon_size && !keeps_both ? v->canon_size : n;
	rewrite(&again, b, n, v->limits[0].allow);
	must(again.size == size && (size == 0 || memcmp(again.bytes, want, size) == 0),
		"%s: written again: %.*s", v->name, (int)again.size, again.bytes);
	free(again.bytes);
}

static void test_element(const vector *v, const char *b)
{
	static const size_t portions[] = {1, 3, LONGEST};
	verdict all = checked(b, v->size, &v->limits[0]);
	verdict first = cut_first(b, v->size, &v->limits[0]);
	must_want(v, all, "check");
	for (size_t i = 0; i < sizeof portions / sizeof *portions; i++) {
		verdict read = read_first(b, v->size, portions[i], &v->limits[0]);
		must(same(read, first), "%s: cut %d at %lu, read by %zu %d at %lu", v->name, first.got,
			(unsigned long)first.at, portions[i], read.got, (unsigned long)read.at);
	}
	if (v->has_rest) {
		must(first.got == OK && v->size - first.at == v->rest_size, "%s: cut %d", v->name, first.got);
		must(memcmp(b + first.at, v->rest, v->rest_size) == 0, "%s: another rest", v->name);
	}
	if (all.got == OK || v->has_rest)
		must_trace(v, b, (size_t)first.at);
	if (all.got == OK)
		must_rewrite(v, b, v->size);
}

static void test_frames(const vector *v, const char *b)
{
	static const size_t portions[] = {0, 1, 3, LONGEST};
	for (size_t i = 0; i < sizeof portions / sizeof *portions; i++) {
		text frames = {NULL, 0, 0};
		verdict got = all_frames(b, v->size, portions[i], &v->limits[1], &frames);
		must_want(v, got, "frames");
		if (got.got == OK) {
			must_trace(v, frames.bytes, frames.size);
			must_rewrite(v, frames.bytes, frames.size);
		}
		free(frames.bytes);
	}
}

/* first_frame accepts b as what a peer sends, and says what is wrong with it. */
static verdict first_frame(const char *b, size_t n, petrichor_conn *c, petrichor_frame *f)
{
	int ends[2];
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "no sockets");
	must(write(ends[1], b, n) == (ssize_t)n, "cannot write %zu bytes", n);
	close(ends[1]);
	int got = petrichor_accept(c, ends[0], f, NULL);
	return (verdict){got == PETRICHOR_CLOSED || got == PETRICHOR_CUT_OFF ? PETRICHOR_SHORT : got, c->reader.offset};
}

static void test_first(const vector *v, const char *b)
{
	petrichor_conn c;
	petrichor_frame f, second;
	text frame = {NULL, 0, 0};
	petrichor_options o = petrichor_stream_options;
	verdict got = first_frame(b, v->size, &c, &f);
	if (got.got != OK) {
		o.max_frame = 16 << 10;
		verdict read = all_frames(b, v->size, 1, &o, &frame); /* an accept that failed has forgotten where */
		must(strcmp(v->want, layer(got.got)) == 0, "%s: accept: %d", v->name, got.got);
		if (v->size > 0)
			must_want(v, read, "first");
		free(frame.bytes);
		return;
	}
	add(&frame, f.header.bytes, f.header.size);
	add(&frame, f.body.bytes, f.body.size);
	must(petrichor_buffered(&c.reader) == v->rest_size, "%s: another rest", v->name);
	must(petrichor_recv(&c, &second) == PETRICHOR_NOT_ALLOWED, "%s: recv before allow", v->name);
	text again = {NULL, 0, 0};
	got = all_frames(frame.bytes, frame.size, 1, &o, &again);
	must_want(v, got, "first");
	if (got.got == OK)
		must_trace(v, frame.bytes, frame.size);
	petrichor_close(&c);
	free(frame.bytes);
	free(again.bytes);
}

static void test_answer(const vector *v, const char *b)
{
	petrichor_frame f;
	test_frames(v, b);
	if (petrichor_cut_frame(b, v->size, &petrichor_stream_options, &f, NULL) > 0)
		must(petrichor_allowed(f.header, NULL) == v->allowed, "%s: allowed is %d", v->name, !v->allowed);
}

static void test(const vector *v)
{
	for (int at_end = 0; at_end < 2; at_end++) {
		const char *b = guarded(v->wire, v->size, at_end);
		if (strcmp(v->read, "element") == 0)
			test_element(v, b);
		else if (strcmp(v->read, "frames") == 0)
			test_frames(v, b);
		else if (strcmp(v->read, "first") == 0)
			test_first(v, b);
		else {
			must(strcmp(v->read, "answer") == 0, "%s: cannot read %s", v->name, v->read);
			test_answer(v, b);
		}
	}
}

/* save writes v as a file; the first byte is what the fuzz targets take for options. */
static void save(const vector *v, const char *dir)
{
	char name[256];
	snprintf(name, sizeof name, "%s/%s", dir, v->name);
	FILE *out = fopen(name, "wb");
	must(out, "cannot write %s", name);
	fputc((int)v->limits[0].allow, out);
	fwrite(v->wire, 1, v->size, out);
	must(fclose(out) == 0, "cannot write %s", name);
}

int main(int argc, char **argv)
{
	static vector v;
	int count = 0, saving = argc > 2 && strcmp(argv[1], "-s") == 0;
	for (int i = saving ? 3 : 1; i < argc; i++) {
		FILE *in = fopen(argv[i], "r");
		must(in, "cannot open %s", argv[i]);
		for (; next_vector(in, &v); count++)
			saving ? save(&v, argv[2]) : test(&v);
		fclose(in);
	}
	must(count > 300, "only %d vectors", count);
	printf("vectors: %d, every entrance, against guard pages\n", count);
	return 0;
}
