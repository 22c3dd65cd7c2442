/*
 * What vectors cannot say: numbers out and in again, the writer's room, memory
 * that runs out at every place in turn, memory that follows what arrives, keys
 * in any order, and sockets whose peer is silent, slow or gone.
 */

#define _DEFAULT_SOURCE
#include "support.h"

#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* random64 is xorshift64*: the same numbers in each run. */
static uint64_t random64(void)
{
	static uint64_t state = 88172645463325252u;
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 2685821657736338717u;
}

static size_t random_below(size_t n) { return (size_t)(random64() % n); }

/* ---- Numbers ---------------------------------------------------------------- */

static petrichor_element element_of(int kind, const char *payload)
{
	petrichor_element el = {payload, strlen(payload), kind};
	return el;
}

static void test_ints(void)
{
	static const struct {
		const char *payload;
		int is_int, is_uint;
	} cases[] = {
		{"0", 1, 1}, {"-1", 1, PETRICHOR_RANGE}, {"9223372036854775807", 1, 1},
		{"9223372036854775808", PETRICHOR_RANGE, 1}, {"-9223372036854775808", 1, PETRICHOR_RANGE},
		{"-9223372036854775809", PETRICHOR_RANGE, PETRICHOR_RANGE}, {"18446744073709551615", PETRICHOR_RANGE, 1},
		{"18446744073709551616", PETRICHOR_RANGE, PETRICHOR_RANGE}, {"", PETRICHOR_PAYLOAD, PETRICHOR_PAYLOAD},
		{"-", PETRICHOR_PAYLOAD, PETRICHOR_PAYLOAD}, {"1x", PETRICHOR_PAYLOAD, PETRICHOR_PAYLOAD},
		{"+05", 1, 1}, {"-0", 1, 1}, {"99999999999999999999999", PETRICHOR_RANGE, PETRICHOR_RANGE},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		petrichor_element el = element_of(PETRICHOR_INT, cases[i].payload);
		int64_t n = 0;
		uint64_t u = 0;
		char digits[32];
		must(petrichor_to_int(&el, &n) == cases[i].is_int, "%s", cases[i].payload);
		must(petrichor_to_uint(&el, &u) == cases[i].is_uint, "%s", cases[i].payload);
		snprintf(digits, sizeof digits, "%lld", (long long)n);
		must(cases[i].is_int < 0 || strchr("+-", *el.payload) || strcmp(digits, el.payload) == 0, "%s is %s", el.payload, digits);
	}
	petrichor_element el = element_of(PETRICHOR_INT, "-9223372036854775808");
	int64_t n;
	int b;
	must(petrichor_to_int(&el, &n) > 0 && n == INT64_MIN, "%lld", (long long)n);
	must(petrichor_to_bool(&el, &b) == PETRICHOR_TYPE, "an int is no bool");
	el.kind = PETRICHOR_STRING;
	double d;
	must(petrichor_to_int(&el, &n) == PETRICHOR_TYPE && petrichor_to_double(&el, &d) == PETRICHOR_TYPE, "a string is no number");
}

static void test_double(double v, const char *want)
{
	char room[512];
	petrichor_writer w;
	petrichor_raw all;
	petrichor_element el;
	double back;
	petrichor_writer_init(&w, room, sizeof room);
	petrichor_put_double(&w, v);
	must(petrichor_written(&w, &all) > 0, "%.17g", v);
	must(petrichor_check(all.bytes, all.size, NULL, &el, NULL) > 0, "%.17g: %.*s", v, (int)all.size, all.bytes);
	must(petrichor_to_double(&el, &back) > 0 && memcmp(&back, &v, sizeof v) == 0, "%.17g: %.*s", v, (int)all.size, all.bytes);
	must(!want || (strlen(want) == el.size && memcmp(want, el.payload, el.size) == 0), "%.17g: %.*s", v, (int)all.size, all.bytes);
}

static void test_doubles(void)
{
	static const struct {
		double v;
		const char *want;
	} cases[] = {
		{0.0, "0.0"}, {-0.0, "-0.0"}, {1, "1.0"}, {0.1, "0.1"}, {-1.5, "-1.5"}, {1e16, "10000000000000000.0"},
		{1e20, "100000000000000000000.0"}, {1e21, "1.0e+21"}, {1.5e300, "1.5e+300"}, {123456.789, "123456.789"},
		{1e-7, "0.0000001"}, {5.684341886080802e-14, "0.00000000000005684341886080802"},
		{DBL_MAX, "1.7976931348623157e+308"}, {9007199254740993.0, "9007199254740992.0"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		test_double(cases[i].v, cases[i].want);
	test_double(DBL_MIN, NULL);
	test_double(4.9406564584124654e-324, NULL);
#ifdef SLOW_MACHINE
	int count = 500;
#else
	int count = 50000;
#endif
	for (int i = 0; i < count; i++) {
		uint64_t bits = random64();
		double v;
		memcpy(&v, &bits, sizeof v);
		if (v - v == 0)
			test_double(v, NULL);
	}
}

/* The point is a point whatever the locale of the program says. */
static void test_locale(void)
{
	if (!setlocale(LC_NUMERIC, "de_DE.UTF-8")) {
		printf("needs the locale de_DE.UTF-8: decimal commas not tested\n");
		return;
	}
	test_doubles();
	setlocale(LC_NUMERIC, "C");
}

/* ---- Writing ---------------------------------------------------------------- */

static const char manual[] = "21:2:op,4:ping,2:id,1:7#}5:hello,";

static void write_manual(petrichor_writer *w)
{
	petrichor_put_string(w, "hello");
	size_t mark = petrichor_begin(w, PETRICHOR_DICT);
	petrichor_put_int(w, 7);
	petrichor_put_string(w, "id");
	petrichor_put_string(w, "ping");
	petrichor_put_string(w, "op");
	petrichor_end(w, mark);
}

static void test_room(void)
{
	const size_t size = sizeof manual - 1;
	for (size_t room = 0; room <= size + 1; room++) {
		char *buf = malloc(room + 1);
		petrichor_writer w;
		petrichor_raw all = {NULL, 0};
		petrichor_writer_init(&w, buf, room);
		write_manual(&w);
		must(petrichor_written(&w, &all) == (room < size ? PETRICHOR_ROOM : OK), "%zu bytes", room);
		must(w.used == size, "%zu bytes of %zu", w.used, room);
		must(room < size || memcmp(all.bytes, manual, size) == 0, "%.*s", (int)all.size, all.bytes);
		free(buf);
	}
}

static int error_of(petrichor_raw raw)
{
	char room[64];
	petrichor_writer w;
	petrichor_raw all;
	petrichor_writer_init(&w, room, sizeof room);
	petrichor_put_raw(&w, raw, NULL);
	petrichor_put_null(&w);
	return petrichor_written(&w, &all);
}

static void test_writer_errors(void)
{
	petrichor_writer w;
	petrichor_raw all;
	must(error_of((petrichor_raw){"5:hello,", 8}) == OK, "a whole element");
	must(error_of((petrichor_raw){"5:hello", 7}) == PETRICHOR_SIZE, "without its tag");
	must(error_of((petrichor_raw){"0:~0:~", 6}) == PETRICHOR_TRAILING, "two");
	must(error_of((petrichor_raw){"4:1:x#]", 7}) == PETRICHOR_PAYLOAD, "malformed inside");
	petrichor_writer_init(&w, NULL, 0);
	petrichor_put(&w, PETRICHOR_STRING, NULL, 1000000000);
	must(petrichor_written(&w, &all) == PETRICHOR_TOO_LARGE, "ten digits");
	petrichor_writer_init(&w, NULL, 0);
	petrichor_put(&w, PETRICHOR_STRING, NULL, SIZE_MAX);
	must(petrichor_written(&w, &all) == PETRICHOR_TOO_LARGE, "all there is");
	petrichor_writer_init(&w, NULL, 0);
	petrichor_put_double(&w, INFINITY);
	must(petrichor_written(&w, &all) == PETRICHOR_RANGE, "infinity");
	petrichor_writer_init(&w, NULL, 0);
	petrichor_put_double(&w, NAN);
	must(petrichor_written(&w, &all) == PETRICHOR_RANGE, "not a number");
}

static void test_explain(void)
{
	for (int e = PETRICHOR_BROKEN; e <= 0; e++)
		for (int other = PETRICHOR_BROKEN; other < e; other++)
			must(strcmp(petrichor_explain(e), petrichor_explain(other)) != 0, "%d is %d", e, other);
	must(strcmp(petrichor_explain(PETRICHOR_BROKEN), "unknown error") != 0, "the last");
	must(strcmp(petrichor_explain(PETRICHOR_BROKEN - 1), "unknown error") == 0, "beyond");
	must(strcmp(petrichor_explain(1), "no error") == 0, "none");
}

/* ---- Memory ----------------------------------------------------------------- */

/* A heap counts, and lets one allocation fail. */
typedef struct heap {
	size_t held, peak, total;
	int calls, failing; /* the how manieth fails; 0: none */
} heap;

static void *heap_resize(void *owner, void *old, size_t size)
{
	heap *h = owner;
	size_t *block = old ? (size_t *)old - 2 : NULL; /* two, to keep what follows aligned */
	if (size > 0 && ++h->calls == h->failing)
		return NULL;
	h->held -= block ? *block : 0;
	if (size == 0) {
		free(block);
		return NULL;
	}
	block = realloc(block, size + 2 * sizeof *block);
	must(block, "%zu bytes", size);
	*block = size;
	h->held += size;
	h->total += size;
	h->peak = h->held > h->peak ? h->held : h->peak;
	return block + 2;
}

static petrichor_options on_heap(heap *h, const petrichor_options *defaults)
{
	petrichor_options o = *defaults;
	o.resize = heap_resize;
	o.owner = h;
	return o;
}

/* unsorted adds a dict of n keys, the last first. */
static void unsorted(text *t, int n)
{
	text inside = {NULL, 0, 0};
	char entry[32];
	for (; n > 0; n--) {
		snprintf(entry, sizeof entry, "6:%06d,0:~", n);
		add_words(&inside, entry);
	}
	snprintf(entry, sizeof entry, "%zu:", inside.size);
	add_words(t, entry);
	add(t, inside.bytes, inside.size);
	add_words(t, "}");
	free(inside.bytes);
}

/* nested adds so many lists, one inside the other. */
static void nested(text *t, size_t levels)
{
	petrichor_writer w;
	petrichor_raw all;
	size_t room = 16 * levels;
	char *b = malloc(room);
	petrichor_writer_init(&w, b, room);
	for (size_t i = 0; i < levels; i++)
		petrichor_begin(&w, PETRICHOR_LIST);
	for (size_t i = levels; i > 0; i--)
		petrichor_end(&w, i); /* a mark is how much has been written */
	must(petrichor_written(&w, &all) == OK, "%zu levels", levels);
	add(t, all.bytes, all.size);
	free(b);
}

/* use does all that allocates, and tries again once what failed for want of memory. */
static int use(heap *h, const char *b, size_t n)
{
	petrichor_options o = on_heap(h, &petrichor_stream_options);
	petrichor_reader r;
	petrichor_frame f;
	int failures = 0;
	petrichor_reader_init(&r, &o);
	for (size_t i = 0; i < n; i++)
		if (petrichor_feed(&r, b + i, 1) != OK) {
			failures++;
			must(petrichor_feed(&r, b + i, 1) == OK, "at %zu", i);
		}
	must(petrichor_read_frame(&r, &f) == OK && f.header.size + f.body.size == n, "no frame");
	ptrdiff_t got = petrichor_check(f.header.bytes, f.header.size, &o, NULL, NULL);
	if (got == PETRICHOR_MEMORY) {
		failures++;
		got = petrichor_check(f.header.bytes, f.header.size, &o, NULL, NULL);
	}
	must(got == (ptrdiff_t)f.header.size, "%ld", (long)got);
	o.max_depth = 1000;
	got = petrichor_check(f.body.bytes, f.body.size, &o, NULL, NULL);
	if (got == PETRICHOR_MEMORY) {
		failures++;
		got = petrichor_check(f.body.bytes, f.body.size, &o, NULL, NULL);
	}
	must(got == (ptrdiff_t)f.body.size, "%ld", (long)got);
	if (!petrichor_allowed(f.header, &o)) { /* in doubt, no */
		failures++;
		must(petrichor_allowed(f.header, &o), "not allowed");
	}
	petrichor_reader_free(&r);
	return failures;
}

static void test_failing_memory(void)
{
	text frame = {NULL, 0, 0};
	heap h = {0, 0, 0, 0, 0};
	unsorted(&frame, 1000);
	nested(&frame, 900);
	must(use(&h, frame.bytes, frame.size) == 0, "nothing fails");
	int calls = h.calls;
	must(calls > 9, "%d allocations", calls);
	for (int n = 1; n <= calls; n++) {
		h = (heap){0, 0, 0, 0, n};
		must(use(&h, frame.bytes, frame.size) == 1, "allocation %d", n);
		must(h.held == 0, "%zu bytes are left after %d", h.held, n);
	}
	free(frame.bytes);
}

/* What is announced costs nothing; what arrives costs twice that, and 4 KiB. */
static void test_memory_follows_bytes(void)
{
	heap h = {0, 0, 0, 0, 0};
	petrichor_options o = on_heap(&h, &petrichor_buffer_options);
	petrichor_reader r;
	petrichor_raw raw;
	petrichor_reader_init(&r, &o);
	must(petrichor_feed(&r, "999999999:", 10) == OK && petrichor_read_element(&r, &raw) == 0, "short");
	must(r.need == 1000000010 && h.peak <= 4096, "%zu bytes are needed, %zu allocated", r.need, h.peak);
	for (size_t n = 10; n < 300000; n += 7) {
		must(petrichor_feed(&r, "xxxxxxx", 7) == OK && petrichor_read_element(&r, &raw) == 0, "short");
		must(h.held <= 4096 + 2 * (n + 7), "%zu bytes are held for %zu", h.held, n + 7);
		must(h.total <= 65536 + 4 * (n + 7), "%zu bytes in all for %zu", h.total, n + 7);
	}
	petrichor_reader_free(&r);
	must(h.held == 0, "%zu bytes are left", h.held);
}

/* A buffer that grew is let go when it is empty; a borrowed element shows when it is over. */
static void test_buffer_is_let_go(void)
{
	heap h = {0, 0, 0, 0, 0};
	petrichor_options o = on_heap(&h, &petrichor_stream_options);
	petrichor_reader r;
	petrichor_raw raw;
	char *large = malloc(200000);
	memset(large, 'x', 200000);
	petrichor_reader_init(&r, &o);
	must(petrichor_feed(&r, "200000:", 7) == OK && petrichor_feed(&r, large, 200000) == OK, "fed");
	must(petrichor_feed(&r, ",1:1#", 5) == OK && petrichor_read_element(&r, &raw) == OK && raw.size == 200008, "read");
	must(petrichor_read_element(&r, &raw) == OK && raw.bytes[0] == '1', "read");
	must(petrichor_read_element(&r, &raw) == 0 && raw.bytes[0] == '#', "borrowed for too long: %c", raw.bytes[0]);
	must(petrichor_feed(&r, "0", 1) == OK && h.held == 4096, "%zu bytes are held", h.held);
	petrichor_reader_free(&r);
	free(large);
}

/* Frames in portions that never fit: each comes out whole, and a fault has its place in the stream. */
static void test_long_stream(void)
{
	text stream = {NULL, 0, 0}, frames = {NULL, 0, 0};
	char frame[64];
	for (int i = 0; i < 3000; i++) {
		snprintf(frame, sizeof frame, "0:}%d:%0*d,", 10 + i % 31, 10 + i % 31, i);
		add_words(&stream, frame);
	}
	size_t end = stream.size;
	add_words(&stream, "0:}05:hello,");
	for (size_t portion = 1; portion < 20000; portion = 3 * portion + 4) {
		frames.size = 0;
		verdict got = all_frames(stream.bytes, stream.size, portion, &petrichor_stream_options, &frames);
		must(got.got == PETRICHOR_SIZE && got.at == end + 4, "by %zu: %d at %d", portion, got.got, (int)got.at);
		must(frames.size == end && memcmp(frames.bytes, stream.bytes, end) == 0, "by %zu: other frames", portion);
	}
	free(stream.bytes);
	free(frames.bytes);
}

/* ---- Checking --------------------------------------------------------------- */

static void test_depth(size_t levels, size_t limit, int want)
{
	petrichor_options o = petrichor_buffer_options;
	text t = {NULL, 0, 0};
	nested(&t, levels);
	o.max_depth = limit;
	ptrdiff_t got = petrichor_check(t.bytes, t.size, &o, NULL, NULL);
	must(want == OK ? got == (ptrdiff_t)t.size : got == want, "%zu levels: %ld", levels, (long)got);
	free(t.bytes);
}

static void test_depths(void)
{
	test_depth(100, 100, OK);
	test_depth(101, 100, PETRICHOR_TOO_DEEP);
	test_depth(10000, SIZE_MAX, OK);
	test_depth(10001, SIZE_MAX, PETRICHOR_TOO_DEEP);
	test_depth(100000, 100, PETRICHOR_TOO_DEEP);
}

/* first_double finds, slowly, where the payload of the first key begins that came before. */
static size_t first_double(char keys[][4], size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(keys[i], keys[j]) == 0)
				return i;
	return n;
}

/* Keys of any order and number: the first that came before is found, though something else is wrong later. */
static void test_keys(size_t n, size_t letters, int malformed)
{
	char keys[300][4], entry[32];
	size_t begins[300], at = 0;
	text inside = {NULL, 0, 0}, dict = {NULL, 0, 0};
	for (size_t i = 0; i < n; i++) {
		snprintf(keys[i], sizeof *keys, "%c%c", (int)('a' + random_below(letters)), (int)('a' + random_below(letters)));
		snprintf(entry, sizeof entry, "%zu:%s,0:~", strlen(keys[i]), keys[i]);
		begins[i] = inside.size + 2;
		add_words(&inside, entry);
	}
	add_words(&inside, malformed ? "1:x,1:x#" : "");
	snprintf(entry, sizeof entry, "%zu:", inside.size);
	add_words(&dict, entry);
	size_t from = dict.size, first = first_double(keys, n);
	add(&dict, inside.bytes, inside.size);
	add_words(&dict, "}");
	ptrdiff_t got = petrichor_check(dict.bytes, dict.size, NULL, NULL, &at);
	if (first < n)
		must(got == PETRICHOR_DUPLICATE && at == from + begins[first], "%.*s: %ld at %zu", (int)dict.size, dict.bytes, (long)got, at);
	else
		must(malformed ? got == PETRICHOR_PAYLOAD : got == (ptrdiff_t)dict.size, "%.*s: %ld", (int)dict.size, dict.bytes, (long)got);
	free(inside.bytes);
	free(dict.bytes);
}

static void test_many_keys(void)
{
	for (int i = 0; i < 300; i++) {
		test_keys(random_below(20), 5, i & 1);
		test_keys(random_below(20), 25, i & 1);
		test_keys(63 + random_below(4), 26, i & 1);
		test_keys(random_below(300), 26, i & 1);
	}
#ifndef SLOW_MACHINE
	text dict = {NULL, 0, 0};
	clock_t begin = clock();
	unsorted(&dict, 999999);
	must(petrichor_check(dict.bytes, dict.size, NULL, NULL, NULL) == (ptrdiff_t)dict.size, "a million keys");
	double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
	must(seconds < 20, "a million keys take %.1f s: that is quadratic", seconds);
	free(dict.bytes);
#endif
}

/* A header that alone is more than a frame may have leaves nothing for the body. */
static void test_frame_limit(void)
{
	petrichor_options o = petrichor_buffer_options;
	petrichor_frame f;
	size_t at = 0;
	o.max_frame = 17;
	must(petrichor_cut_frame("16:1:a,1:1#1:b,1:1#}0:,", 23, &o, &f, &at) == PETRICHOR_TOO_LARGE && at == 21, "at %zu", at);
	o.max_frame = 20;
	must(petrichor_cut_frame("16:1:a,1:1#1:b,1:1#}0:,", 23, &o, &f, &at) == 23, "at %zu", at);
	must(petrichor_cut_frame("16:1:a,1:1#1:b,1:1#}1:x,", 24, &o, &f, &at) == PETRICHOR_TOO_LARGE && at == 21, "at %zu", at);
}

/* Walking what has not been checked stays inside the container. */
static void test_walk_unchecked(void)
{
	petrichor_element dict = {"1:a,9:x#", 8, PETRICHOR_DICT}, value, key;
	petrichor_walk w = petrichor_inside(&dict, NULL);
	must(petrichor_next_entry(&w, &key, &value) == PETRICHOR_SIZE, "reaches beyond");
	must(petrichor_get(&dict, "a", &value) == PETRICHOR_SIZE, "reaches beyond");
	dict.size = 4;
	must(petrichor_get(&dict, "a", &value) == PETRICHOR_PAYLOAD, "a key without a value");
	dict = (petrichor_element){"1:1#0:~", 7, PETRICHOR_DICT};
	must(petrichor_get(&dict, "1", &value) == PETRICHOR_KEY, "a key that is an int");
	dict.kind = PETRICHOR_LIST;
	must(petrichor_get(&dict, "1", &value) == PETRICHOR_TYPE, "a list");
	dict = (petrichor_element){"1:a,0:~1:b,1:1#", 15, PETRICHOR_DICT};
	must(petrichor_get(&dict, "b", &value) == OK && value.kind == PETRICHOR_INT, "b");
	must(petrichor_get(&dict, "c", &value) == 0 && value.kind == PETRICHOR_INT, "no c");
	w = petrichor_inside(&value, NULL);
	must(petrichor_next(&w, &key) == 0, "nothing inside an int");
}

/* What has been checked can be searched, whatever was allowed. */
static void test_get_checked(void)
{
	static const char dict_bytes[] = "33:1:a,1:1#02:ab,1:2#1:a,1:3#1:c,0:~}";
	petrichor_options o = petrichor_buffer_options;
	petrichor_element dict, value;
	int64_t n = 0;
	o.allow = PETRICHOR_ALLOW_LOOSE | PETRICHOR_ALLOW_DUPLICATES;
	must(petrichor_check(dict_bytes, sizeof dict_bytes - 1, &o, &dict, NULL) > 0, "check");
	must(petrichor_get(&dict, "ab", &value) == OK && petrichor_to_int(&value, &n) == OK && n == 2, "behind a loose size");
	must(petrichor_get(&dict, "a", &value) == OK && petrichor_to_int(&value, &n) == OK && n == 3, "the last of two");
}

static void test_long_numbers(void)
{
	char digits[401];
	petrichor_element el = {digits, 401, PETRICHOR_INT};
	double d;
	int64_t n;
	uint64_t u;
	memset(digits, '0', sizeof digits);
	must(petrichor_to_double(&el, &d) == PETRICHOR_TOO_LARGE, "as a double");
	must(petrichor_to_int(&el, &n) == PETRICHOR_TOO_LARGE && petrichor_to_uint(&el, &u) == PETRICHOR_TOO_LARGE, "as an int");
}

/* ---- Talking ---------------------------------------------------------------- */

static const petrichor_frame nothing = {{NULL, 0}, {NULL, 0}};

static petrichor_frame frame_of(const char *header, const char *body)
{
	petrichor_frame f = {{header, strlen(header)}, {body, strlen(body)}};
	return f;
}

static int is(petrichor_raw raw, const char *want) { return raw.size == strlen(want) && memcmp(raw.bytes, want, raw.size) == 0; }

/* open_pair makes two connections to one another, with a short timeout. */
static void open_pair(petrichor_conn *a, petrichor_conn *b, int timeout)
{
	int ends[2];
	petrichor_options o = petrichor_stream_options;
	o.timeout = timeout;
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "no sockets");
	petrichor_open(a, ends[0], &o);
	petrichor_open(b, ends[1], &o);
}

static void close_pair(petrichor_conn *a, petrichor_conn *b)
{
	petrichor_close(a);
	petrichor_close(b);
	petrichor_close(b);
}

static void test_send_and_recv(void)
{
	petrichor_conn a, b;
	petrichor_frame f;
	open_pair(&a, &b, 5000);
	must(petrichor_send(&a, frame_of("8:1:a,1:1#}", "5:hello,")) == OK, "send");
	must(petrichor_send(&a, nothing) == OK, "send nothing");
	must(petrichor_recv(&b, &f) == OK && is(f.header, "8:1:a,1:1#}") && is(f.body, "5:hello,"), "recv");
	must(petrichor_send(&b, f) == OK, "send back what is borrowed");
	must(petrichor_recv(&b, &f) == OK && is(f.header, "0:}") && is(f.body, "0:~"), "recv nothing");
	must(petrichor_recv(&a, &f) == OK && is(f.header, "8:1:a,1:1#}") && is(f.body, "5:hello,"), "recv what came back");
	close_pair(&a, &b);
}

static void test_malformed_is_not_sent(void)
{
	static const struct {
		const char *header, *body;
		int want;
	} cases[] = {
		{"0:]", "0:~", PETRICHOR_HEADER}, {"0:}0:}", "0:~", PETRICHOR_TRAILING}, {"0:}", "1:x#", PETRICHOR_PAYLOAD},
		{"0:}", "5:hello", PETRICHOR_SIZE}, {"0:}", "", PETRICHOR_SIZE}, {"14:1:a,0:~1:a,0:~}", "0:~", PETRICHOR_DUPLICATE},
	};
	petrichor_conn a, b;
	petrichor_frame f;
	open_pair(&a, &b, 5000);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		petrichor_frame bad = frame_of(cases[i].header, cases[i].body);
		must(petrichor_send(&a, bad) == cases[i].want, "%s %s", cases[i].header, cases[i].body);
		must(petrichor_allow(&a, bad) == cases[i].want, "%s %s", cases[i].header, cases[i].body);
	}
	petrichor_close(&a);
	must(petrichor_recv(&b, &f) == PETRICHOR_CLOSED, "something was sent");
	close_pair(&a, &b);
}

static void test_endings(void)
{
	petrichor_conn a, b;
	petrichor_frame f;
	open_pair(&a, &b, 30);
	must(petrichor_recv(&b, &f) == PETRICHOR_TIMEOUT, "silence");
	must(write(a.fd, "0:}5:hel", 8) == 8, "write");
	must(petrichor_recv(&b, &f) == PETRICHOR_TIMEOUT, "half a frame");
	must(write(a.fd, "lo,0:}", 6) == 6, "write");
	must(petrichor_recv(&b, &f) == OK && is(f.body, "5:hello,"), "the other half");
	petrichor_close(&a);
	must(petrichor_recv(&b, &f) == PETRICHOR_CUT_OFF, "a header alone");
	must(petrichor_send(&b, nothing) == PETRICHOR_SYSTEM && errno == EPIPE, "nobody listens: %s", strerror(errno));
	close_pair(&a, &b);
	open_pair(&a, &b, 30);
	must(write(a.fd, "0:}0:,05:hello,", 15) == 15, "write");
	must(petrichor_recv(&b, &f) == OK && petrichor_recv(&b, &f) == PETRICHOR_SIZE, "malformed");
	must(petrichor_recv(&b, &f) == PETRICHOR_SIZE && b.reader.offset == 7, "at %d", (int)b.reader.offset);
	close_pair(&a, &b);
}

/* Without time to wait a call takes what is there, once. */
static void test_no_waiting(void)
{
	petrichor_conn a, b;
	petrichor_frame f;
	text large = {NULL, 0, 0};
	int calls = 1;
	unsorted(&large, 4000);
	open_pair(&a, &b, 0);
	must(petrichor_recv(&b, &f) == PETRICHOR_TIMEOUT, "nothing there");
	must(petrichor_send(&a, (petrichor_frame){{NULL, 0}, {large.bytes, large.size}}) == OK, "send");
	for (int got; (got = petrichor_recv(&b, &f)) != OK; calls++)
		must(got == PETRICHOR_TIMEOUT && calls < 100, "call %d: %d", calls, got);
	must(calls > 1 && f.body.size == large.size, "%zu bytes in %d calls", f.body.size, calls);
	close_pair(&a, &b);
	free(large.bytes);
}

/* A peer that does not read: the deadline, and then nothing goes that way any more. */
static void test_full_pipe(void)
{
	enum { LARGE = 8 << 20 };
	petrichor_conn a, b;
	char *body = malloc(LARGE + 16);
	int from = sprintf(body, "%d:", LARGE);
	memset(body + from, 'x', LARGE);
	body[from + LARGE] = ',';
	petrichor_frame f = {{"0:}", 3}, {body, (size_t)from + LARGE + 1}};
	open_pair(&a, &b, 50);
	must(petrichor_send(&a, f) == PETRICHOR_TIMEOUT, "nobody reads");
	must(petrichor_send(&a, nothing) == PETRICHOR_BROKEN, "half a frame is out");
	close_pair(&a, &b);
	free(body);
}

/* The deadline holds for the frame, whatever trickles in. */
static void test_trickle(void)
{
	petrichor_conn a, b;
	petrichor_frame f;
	open_pair(&a, &b, 200);
	pid_t child = fork();
	if (child == 0) {
		petrichor_close(&b);
		must(write(a.fd, "0:}999999:", 10) == 10, "write");
		while (write(a.fd, "x", 1) == 1)
			usleep(1000);
		_exit(0);
	}
	signal(SIGPIPE, SIG_DFL);
	petrichor_close(&a);
	must(petrichor_recv(&b, &f) == PETRICHOR_TIMEOUT, "slowly");
	petrichor_close(&b);
	waitpid(child, NULL, 0);
}

static void test_answer(const char *header, const char *allowed, const char *denied)
{
	petrichor_conn a, b;
	petrichor_frame f;
	open_pair(&a, &b, 5000);
	must(petrichor_allow(&a, frame_of(header, "1:x,")) == OK, "%s", header);
	must(petrichor_recv(&b, &f) == OK && is(f.header, allowed) && is(f.body, "1:x,"), "%.*s", (int)f.header.size, f.header.bytes);
	must(petrichor_allowed(f.header, NULL), "%s", allowed);
	must(petrichor_deny(&a, frame_of(header, "1:x,")) == OK, "%s", header);
	must(petrichor_recv(&b, &f) == OK && is(f.header, denied), "%.*s", (int)f.header.size, f.header.bytes);
	must(!petrichor_allowed(f.header, NULL), "%s", denied);
	close_pair(&a, &b);
}

static void test_answers(void)
{
	test_answer("0:}", "17:7:allowed,4:true!}", "18:7:allowed,5:false!}");
	test_answer("8:1:z,1:1#}", "25:7:allowed,4:true!1:z,1:1#}", "26:7:allowed,5:false!1:z,1:1#}");
	test_answer("8:1:a,1:1#}", "25:1:a,1:1#7:allowed,4:true!}", "26:1:a,1:1#7:allowed,5:false!}");
	test_answer("14:1:a,0:~1:z,0:~}", "31:1:a,0:~7:allowed,4:true!1:z,0:~}", "32:1:a,0:~7:allowed,5:false!1:z,0:~}");
	test_answer("27:1:z,0:~7:allowed,0:~1:a,0:~}", "31:1:z,0:~7:allowed,4:true!1:a,0:~}", "32:1:z,0:~7:allowed,5:false!1:a,0:~}");
}

/* A connection sends what it would receive, but says allowed once. */
static void test_options_of_what_is_sent(void)
{
	petrichor_conn a, b;
	petrichor_frame f;
	open_pair(&a, &b, 5000);
	a.reader.options.max_depth = 1;
	must(petrichor_send(&a, frame_of("0:}", "3:0:]]")) == PETRICHOR_TOO_DEEP, "two levels");
	a.reader.options.max_depth = 2;
	must(petrichor_send(&a, frame_of("0:}", "3:0:]]")) == OK && petrichor_recv(&b, &f) == OK, "two levels");
	a.reader.options.allow = PETRICHOR_ALLOW_DUPLICATES | PETRICHOR_ALLOW_LOOSE;
	must(petrichor_deny(&a, frame_of("34:7:allowed,4:true!7:allowed,4:true!}", "0:~")) == PETRICHOR_DUPLICATE, "twice");
	must(petrichor_deny(&a, frame_of("18:07:allowed,4:true!}", "0:~")) == OK && petrichor_recv(&b, &f) == OK, "a loose size");
	must(is(f.header, "18:7:allowed,5:false!}"), "%.*s", (int)f.header.size, f.header.bytes);
	must(petrichor_send(&a, frame_of("14:1:a,0:~1:a,0:~}", "0:~")) == OK, "duplicates that are allowed");
	close_pair(&a, &b);
}

/* What accept() says stays what errno says. */
static void test_accept_of_nothing(void)
{
	petrichor_conn c;
	petrichor_frame f;
	errno = EMFILE;
	must(petrichor_accept(&c, -1, &f, NULL) == PETRICHOR_SYSTEM && errno == EMFILE, "errno is %d", errno);
	petrichor_close(&c);
}

/* serve is an echo that allows the first peer and denies the second. */
static void serve(int listener)
{
	petrichor_conn c;
	petrichor_frame f;
	must(petrichor_accept(&c, accept(listener, NULL, NULL), &f, NULL) == OK, "accept");
	must(petrichor_recv(&c, &f) == PETRICHOR_NOT_ALLOWED, "recv before allow");
	must(petrichor_allow(&c, f) == OK, "allow");
	while (petrichor_recv(&c, &f) > 0)
		must(petrichor_send(&c, f) == OK, "send");
	petrichor_close(&c);
	must(petrichor_accept(&c, accept(listener, NULL, NULL), &f, NULL) == OK && petrichor_deny(&c, nothing) == OK, "deny");
	petrichor_close(&c);
	_exit(0);
}

static void test_tcp(void)
{
	struct sockaddr_storage at;
	socklen_t size = sizeof at;
	char port[8];
	petrichor_conn c;
	petrichor_frame f;
	int listener = petrichor_listen("127.0.0.1", "0"), status = 1;
	must(listener >= 0 && getsockname(listener, (struct sockaddr *)&at, &size) == 0, "listen");
	unsigned char *p = (unsigned char *)&at + 2; /* in network order, in either family */
	snprintf(port, sizeof port, "%d", p[0] << 8 | p[1]);
	pid_t child = fork();
	if (child == 0)
		serve(listener);
	must(petrichor_connect(&c, "127.0.0.1", port, frame_of("8:1:a,1:1#}", "1:x,"), &f, NULL) == OK, "connect");
	must(petrichor_allowed(f.header, NULL) && is(f.header, "25:1:a,1:1#7:allowed,4:true!}") && is(f.body, "1:x,"), "allowed");
	must(petrichor_request(&c, frame_of("0:}", "2:42#"), &f) == OK && is(f.body, "2:42#"), "request");
	text large = {NULL, 0, 0};
	unsorted(&large, 4000); /* more than a first frame may have */
	must(petrichor_request(&c, (petrichor_frame){{NULL, 0}, {large.bytes, large.size}}, &f) == OK, "a large request");
	must(f.body.size == large.size, "%zu bytes", f.body.size);
	free(large.bytes);
	petrichor_close(&c);
	must(petrichor_connect(&c, "127.0.0.1", port, nothing, &f, NULL) == OK && !petrichor_allowed(f.header, NULL), "denied");
	petrichor_close(&c);
	must(waitpid(child, &status, 0) == child && status == 0, "the server: %d", status);
	close(listener);
	must(petrichor_connect(&c, "127.0.0.1", port, nothing, &f, NULL) == PETRICHOR_SYSTEM && errno == ECONNREFUSED, "nobody there");
	must(c.fd == -1, "open after an error");
	must(petrichor_connect(&c, "127.0.0.1", "no such port", nothing, &f, NULL) == PETRICHOR_UNKNOWN_HOST, "no port");
	must(petrichor_listen("127.0.0.1", "no such port") == PETRICHOR_UNKNOWN_HOST, "no port");
}

/* A socket that takes and gives a few bytes at a time, and is often not ready. */
static void test_small_buffers(void)
{
	petrichor_conn a, b;
	petrichor_frame f;
	text t = {NULL, 0, 0};
	int small = 1;
	unsorted(&t, 20000);
	open_pair(&a, &b, 20000);
	setsockopt(a.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
	pid_t child = fork();
	if (child == 0) {
		petrichor_close(&a);
		int got = petrichor_recv(&b, &f);
		got = got == OK ? petrichor_send(&b, f) : got;
		petrichor_close(&b);
		_exit(got != OK);
	}
	petrichor_close(&b);
	f = (petrichor_frame){{NULL, 0}, {t.bytes, t.size}};
	must(petrichor_request(&a, f, &f) == OK, "request");
	must(f.body.size == t.size && memcmp(f.body.bytes, t.bytes, t.size) == 0, "something else came back");
	petrichor_close(&a);
	waitpid(child, NULL, 0);
	free(t.bytes);
}

int main(void)
{
	test_ints();
	test_doubles();
	test_locale();
	test_room();
	test_writer_errors();
	test_explain();
	test_failing_memory();
	test_memory_follows_bytes();
	test_buffer_is_let_go();
	test_long_stream();
	test_depths();
	test_many_keys();
	test_frame_limit();
	test_walk_unchecked();
	test_get_checked();
	test_long_numbers();
	test_send_and_recv();
	test_malformed_is_not_sent();
	test_endings();
	test_no_waiting();
	test_full_pipe();
	test_trickle();
	test_answers();
	test_options_of_what_is_sent();
	test_accept_of_nothing();
	test_tcp();
	test_small_buffers();
	printf("units: all passed\n");
	return 0;
}
