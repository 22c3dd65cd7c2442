/*
 * petrichor.h says what is here and how to use it.
 *
 * cut is the only function that reads a size, a colon or a tag, so it is the
 * only one that could read too far; all the others look at what it has found.
 * Sizes come from peers: they are compared with what is left and added to
 * nothing before they have passed.  A size has at most nine digits, so that one
 * that has passed, the digits in front of it and the tag fit 32 bits.
 */

#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include "petrichor.h"

#include <float.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	DONE = 1, /* what functions return that return no count */

	MAX_DIGITS = 9,          /* of a size */
	NINE_DIGITS = 999999999, /* the largest size */
	MAX_NUMBER = 400,        /* bytes of an int or a float */
	DEEPEST = 10000,         /* what max_depth can be */
	ADMISSION = 16 << 10,    /* bytes of the one frame read from a peer nobody has allowed */
	FEW_KEYS = 64,           /* of a dict, in no order, that are sorted without an allocation */
	FEW_LEVELS = 100,        /* that are entered without one */
	SMALL_BUFFER = 4 << 10,  /* what a reader's buffer begins with */
	LARGE_BUFFER = 64 << 10, /* what is not kept when empty */
	DEFAULT_TIMEOUT = 20000  /* milliseconds */
};

static size_t least(size_t a, size_t b) { return a < b ? a : b; }
static size_t most(size_t a, size_t b) { return a > b ? a : b; }

const char *petrichor_explain(int error)
{
	static const char *const words[] = {
		"more bytes are needed", "malformed size", "unknown tag", "payload does not match its tag",
		"dict key is not a string", "duplicate dict key", "element larger than the limit",
		"nesting deeper than the limit", "more values than the limit", "bytes after the element",
		"frame header is not a dict", "no memory", "no room in the buffer", "element of another kind",
		"number out of range", "the stream ended", "the stream ended inside a frame",
		"the deadline passed", "a system call failed", "unknown host", "peer has not been allowed",
		"a frame was sent in part",
	};
	if (error > 0)
		return "no error";
	if (error < PETRICHOR_BROKEN)
		return "unknown error";
	return words[-error];
}

/* ---- Options ---------------------------------------------------------------- */

const petrichor_options petrichor_buffer_options = {
	NINE_DIGITS, NINE_DIGITS, SIZE_MAX, 100, SIZE_MAX, 0, DEFAULT_TIMEOUT, NULL, NULL,
};

const petrichor_options petrichor_stream_options = {
	64 << 10, 1 << 20, SIZE_MAX, 100, 65536, 0, DEFAULT_TIMEOUT, NULL, NULL,
};

static const petrichor_options *on_buffer(const petrichor_options *o) { return o ? o : &petrichor_buffer_options; }
static const petrichor_options *on_stream(const petrichor_options *o) { return o ? o : &petrichor_stream_options; }

/* resize does what the resize of o does. */
static void *resize(const petrichor_options *o, void *old, size_t size)
{
	if (o->resize)
		return o->resize(o->owner, old, size);
	if (size > 0)
		return realloc(old, size);
	free(old);
	return NULL;
}

/* ---- Cutting ---------------------------------------------------------------- */

const char *petrichor_kind_name(int kind)
{
	switch (kind) {
	case PETRICHOR_NULL: return "null";
	case PETRICHOR_BOOL: return "bool";
	case PETRICHOR_INT: return "int";
	case PETRICHOR_FLOAT: return "float";
	case PETRICHOR_STRING: return "string";
	case PETRICHOR_LIST: return "list";
	case PETRICHOR_DICT: return "dict";
	case PETRICHOR_TEXT: return "text";
	}
	return "unknown";
}

static int is_digit(char b) { return b >= '0' && b <= '9'; }
static int is_kind(char b, unsigned allow)
{
	switch (b) {
	case PETRICHOR_NULL: case PETRICHOR_BOOL: case PETRICHOR_INT: case PETRICHOR_FLOAT:
	case PETRICHOR_STRING: case PETRICHOR_LIST: case PETRICHOR_DICT:
		return 1;
	case PETRICHOR_TEXT:
		return (allow & PETRICHOR_ALLOW_TEXT) != 0;
	}
	return 0;
}

/* is_string tells whether a kind may be a dict key; texts get here only when allowed. */
static int is_string(int kind) { return kind == PETRICHOR_STRING || kind == PETRICHOR_TEXT; }
static int is_container(int kind) { return kind == PETRICHOR_LIST || kind == PETRICHOR_DICT; }

/* size_fault says why b[0..n), which begins with so many digits, does not begin with a size. */
static int size_fault(const char *b, size_t n, size_t digits, unsigned allow, size_t *at)
{
	*at = 1;
	if (digits > 1 && b[0] == '0' && !(allow & PETRICHOR_ALLOW_LOOSE))
		return PETRICHOR_SIZE;
	*at = digits + 1;
	if (digits == n)
		return PETRICHOR_SHORT;
	*at = digits;
	return digits == 0 || b[digits] != ':' ? PETRICHOR_SIZE : PETRICHOR_TOO_LARGE;
}

/*
 * cut_size reads the size and the colon that b[0..n) begins with.  at is where
 * the payload begins; with short, how many bytes there have to be; with an error,
 * the byte that is wrong.  A limit below zero is one that nothing keeps.
 */
static int cut_size(const char *b, size_t n, unsigned allow, int64_t limit, size_t *size, size_t *at)
{
	size_t i = 0, value = 0, end = least(n, MAX_DIGITS);
	for (; i < end && is_digit(b[i]); i++)
		value = value * 10 + (size_t)(b[i] - '0');
	if (i == 0 || i == n || b[i] != ':' || (int64_t)value > limit)
		return size_fault(b, n, i, allow, at);
	if (b[0] == '0' && i > 1 && !(allow & PETRICHOR_ALLOW_LOOSE))
		return size_fault(b, n, i, allow, at);
	*size = value;
	*at = i + 1;
	return DONE;
}

/* limit_of makes a limit of a size; none is above what nine digits can say. */
static int64_t limit_of(size_t size) { return (int64_t)least(size, NINE_DIGITS); }

/* cut finds the first element of b[0..n); at is its end, or as in cut_size. */
static int cut(const char *b, size_t n, unsigned allow, int64_t limit, petrichor_element *el, size_t *at)
{
	size_t size, from;
	int got = cut_size(b, n, allow, limit, &size, &from);
	*at = from;
	if (got != DONE)
		return got;
	*at = from + size + 1; /* at most 10 + 999,999,999 + 1 */
	if (size >= n - from)
		return PETRICHOR_SHORT;
	if (!is_kind(b[from + size], allow)) {
		*at = from + size;
		return PETRICHOR_KIND;
	}
	*el = (petrichor_element){b + from, size, b[from + size]};
	return DONE;
}

static int cut_header(const char *b, size_t n, const petrichor_options *o, petrichor_raw *header, size_t *at)
{
	petrichor_element el;
	int got = cut(b, n, o->allow, limit_of(least(o->max_header, o->max_frame)), &el, at);
	if (got != DONE)
		return got;
	if (el.kind != PETRICHOR_DICT) {
		--*at;
		return PETRICHOR_HEADER;
	}
	*header = (petrichor_raw){b, *at};
	return DONE;
}

/* body_limit is the largest payload of a body that may follow header. */
static int64_t body_limit(const petrichor_options *o, petrichor_raw header)
{
	if (o->max_frame < header.size)
		return -1;
	return limit_of(least(o->max_size, o->max_frame - header.size));
}

/* cut_frame cuts both halves or neither; at is as in cut. */
static int cut_frame(const char *b, size_t n, const petrichor_options *o, petrichor_frame *f, size_t *at)
{
	petrichor_element el;
	petrichor_raw header;
	size_t start, end;
	int got = cut_header(b, n, o, &header, &start);
	*at = start;
	if (got != DONE)
		return got;
	got = cut(b + start, n - start, o->allow, body_limit(o, header), &el, &end);
	*at = start + end; /* each below 2^30, so that both fit 31 bits */
	if (got != DONE)
		return got;
	f->header = header;
	f->body = (petrichor_raw){b + start, end};
	return DONE;
}

/* answer turns what cut returns into what the caller gets. */
static ptrdiff_t answer(int got, size_t place, size_t *at)
{
	if (got == DONE)
		return (ptrdiff_t)place;
	if (at)
		*at = place;
	return got;
}

ptrdiff_t petrichor_cut(const char *b, size_t n, const petrichor_options *o,
	petrichor_element *el, size_t *at)
{
	size_t place;
	o = on_buffer(o);
	int got = cut(b, n, o->allow, limit_of(o->max_size), el, &place);
	return answer(got, place, at);
}

ptrdiff_t petrichor_cut_frame(const char *b, size_t n, const petrichor_options *o,
	petrichor_frame *f, size_t *at)
{
	size_t place;
	int got = cut_frame(b, n, on_buffer(o), f, &place);
	return answer(got, place, at);
}

/* ---- Scalars ---------------------------------------------------------------- */

/* These move p over what may be there, and return where that ends. */
static const char *skip_digits(const char *p, const char *end)
{
	while (p < end && is_digit(*p))
		p++;
	return p;
}

static const char *skip_sign(const char *p, const char *end, int plus)
{
	return p < end && (*p == '-' || (plus && *p == '+')) ? p + 1 : p;
}

/* These return the first byte that no number of the kind has there, or NULL. */

/* wrong_int: 0 or -?[1-9][0-9]*. */
static const char *wrong_int(const char *p, const char *end, int loose)
{
	const char *from = skip_sign(p, end, loose), *to = skip_digits(from, end);
	if (!loose && to > from && *from == '0' && end - p > 1)
		return p + 1; /* the zero after a sign, or what comes after a zero */
	return to == from || to < end ? to : NULL;
}

static const char *wrong_exponent(const char *p, const char *end)
{
	if (p == end)
		return NULL;
	if (*p != 'e' && *p != 'E')
		return p;
	const char *from = skip_sign(p + 1, end, 1), *to = skip_digits(from, end);
	return to == from || to < end ? to : NULL;
}

/* wrong_float: the grammar of numbers in JSON (RFC 8259, section 6). */
static const char *wrong_float(const char *p, const char *end, int loose)
{
	const char *from = skip_sign(p, end, loose), *to = skip_digits(from, end);
	int digits = to > from;
	if (to - from > 1 && *from == '0' && !loose)
		return from + 1;
	if (!digits && !loose)
		return to;
	if (to < end && *to == '.') {
		const char *fraction = to + 1;
		to = skip_digits(fraction, end);
		if (to == fraction && (!loose || !digits))
			return to;
		digits = 1;
	}
	return digits ? wrong_exponent(to, end) : to;
}

/* spells tells whether p[0..n) is a word, given in lower case, in any case. */
static int spells(const char *p, size_t n, const char *word)
{
	size_t i = 0;
	while (i < n && word[i] && (p[i] == word[i] || p[i] == word[i] - 'a' + 'A'))
		i++;
	return i == n && !word[i];
}

static int is_nonfinite(const char *p, const char *end)
{
	p = skip_sign(p, end, 1);
	size_t n = (size_t)(end - p);
	return spells(p, n, "inf") || spells(p, n, "nan") || spells(p, n, "infinity");
}

/* wrong_number is for an int or a float; *error says what is wrong. */
static const char *wrong_number(const petrichor_element *el, unsigned allow, int *error)
{
	const char *p = el->payload, *end = p + el->size;
	int loose = (allow & PETRICHOR_ALLOW_LOOSE) != 0;
	*error = PETRICHOR_TOO_LARGE;
	if (el->size > MAX_NUMBER)
		return p;
	*error = PETRICHOR_PAYLOAD;
	if (el->kind == PETRICHOR_INT)
		return wrong_int(p, end, loose);
	if ((allow & PETRICHOR_ALLOW_NONFINITE) && is_nonfinite(p, end))
		return NULL;
	return wrong_float(p, end, loose);
}

/* rune_size is how many bytes the UTF-8 character at p[0..n) has, 0 for what is none. */
static size_t rune_size(const unsigned char *p, size_t n)
{
	size_t size = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
	if (size < 2 || n < size)
		return size == 1;
	unsigned char low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
	unsigned char high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < size; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return size;
}

static int is_utf8(const char *b, size_t n)
{
	const unsigned char *p = (const unsigned char *)b;
	for (size_t size; n > 0; p += size, n -= size)
		if (!(size = rune_size(p, n)))
			return 0;
	return 1;
}

static int is_word(const petrichor_element *el, const char *word)
{
	return el->size == strlen(word) && memcmp(el->payload, word, el->size) == 0;
}

/* wrong_scalar returns the first byte that is wrong, or NULL; *error says what. */
static const char *wrong_scalar(const petrichor_element *el, unsigned allow, int *error)
{
	int right = 1;
	*error = PETRICHOR_PAYLOAD;
	switch (el->kind) {
	case PETRICHOR_NULL:
		right = el->size == 0;
		break;
	case PETRICHOR_BOOL:
		right = is_word(el, "true") || is_word(el, "false");
		break;
	case PETRICHOR_TEXT:
		right = is_utf8(el->payload, el->size);
		break;
	case PETRICHOR_INT: case PETRICHOR_FLOAT:
		return wrong_number(el, allow, error);
	}
	return right ? NULL : el->payload;
}

int petrichor_to_bool(const petrichor_element *el, int *v)
{
	if (el->kind != PETRICHOR_BOOL)
		return PETRICHOR_TYPE;
	*v = is_word(el, "true");
	return *v || is_word(el, "false") ? DONE : PETRICHOR_PAYLOAD;
}

/* to_magnitude reads an int without its sign. */
static int to_magnitude(const petrichor_element *el, uint64_t *v, int *negative)
{
	if (el->kind != PETRICHOR_INT)
		return PETRICHOR_TYPE;
	int error;
	if (wrong_number(el, PETRICHOR_ALLOW_LOOSE, &error))
		return error;
	const char *p = el->payload, *end = p + el->size;
	*negative = *p == '-';
	*v = 0;
	for (p = skip_sign(p, end, 1); p < end; p++) {
		uint64_t digit = (uint64_t)(*p - '0');
		if (*v > (UINT64_MAX - digit) / 10)
			return PETRICHOR_RANGE;
		*v = *v * 10 + digit;
	}
	return DONE;
}

int petrichor_to_uint(const petrichor_element *el, uint64_t *v)
{
	uint64_t n = 0;
	int negative = 0, got = to_magnitude(el, &n, &negative);
	if (got != DONE)
		return got;
	if (negative && n > 0)
		return PETRICHOR_RANGE;
	*v = n;
	return DONE;
}

int petrichor_to_int(const petrichor_element *el, int64_t *v)
{
	uint64_t n = 0;
	int negative = 0, got = to_magnitude(el, &n, &negative);
	if (got != DONE)
		return got;
	if (n > (uint64_t)INT64_MAX + (negative ? 1 : 0))
		return PETRICHOR_RANGE;
	*v = negative && n > 0 ? -(int64_t)(n - 1) - 1 : (int64_t)n;
	return DONE;
}

/* with_locale_point copies p[0..n) to text and ends it; strtod wants the point of the locale. */
static void with_locale_point(char *text, size_t room, const char *p, size_t n)
{
	const char *point = localeconv()->decimal_point;
	size_t size = strlen(point);
	char *to = text;
	for (size_t i = 0; i < n; i++) {
		if (p[i] != '.' || size + n >= room) {
			*to++ = p[i];
			continue;
		}
		memcpy(to, point, size);
		to += size;
	}
	*to = 0;
}

int petrichor_to_double(const petrichor_element *el, double *v)
{
	char text[MAX_NUMBER + 16];
	int error;
	if (el->kind != PETRICHOR_FLOAT && el->kind != PETRICHOR_INT)
		return PETRICHOR_TYPE;
	if (wrong_number(el, PETRICHOR_ALLOW_LOOSE | PETRICHOR_ALLOW_NONFINITE, &error))
		return error;
	with_locale_point(text, sizeof text, el->payload, el->size);
	double d = strtod(text, NULL);
	if ((d > DBL_MAX || d < -DBL_MAX) && !is_nonfinite(el->payload, el->payload + el->size))
		return PETRICHOR_RANGE;
	*v = d;
	return DONE;
}

/* ---- Walking ---------------------------------------------------------------- */

petrichor_walk petrichor_inside(const petrichor_element *container, const petrichor_options *o)
{
	size_t size = is_container(container->kind) ? container->size : 0;
	return (petrichor_walk){container->payload, container->payload + size, o ? o->allow : 0};
}

/*
 * next cuts the element at w->at, which the container has to hold whole, and
 * moves w behind it; with an error w->at is the byte that is wrong.
 */
static int next(petrichor_walk *w, petrichor_element *el)
{
	size_t n = (size_t)(w->end - w->at), at;
	if (n == 0)
		return PETRICHOR_PAYLOAD; /* a key without a value */
	int got = cut(w->at, n, w->allow, (int64_t)n, el, &at);
	if (got == PETRICHOR_SHORT || got == PETRICHOR_TOO_LARGE)
		return PETRICHOR_SIZE; /* reaches beyond its container */
	w->at += at;
	return got;
}

static int next_key(petrichor_walk *w, petrichor_element *key)
{
	int got = next(w, key);
	if (got != DONE || is_string(key->kind))
		return got;
	w->at--; /* the tag */
	return PETRICHOR_KEY;
}

int petrichor_next(petrichor_walk *w, petrichor_element *el)
{
	return w->at == w->end ? 0 : next(w, el);
}

int petrichor_next_entry(petrichor_walk *w, petrichor_element *key, petrichor_element *value)
{
	if (w->at == w->end)
		return 0;
	int got = next_key(w, key);
	return got == DONE ? next(w, value) : got;
}

int petrichor_is(const petrichor_element *el, const char *s)
{
	return is_string(el->kind) && is_word(el, s);
}

/* entries_of walks over a dict that has been checked with whatever options. */
static petrichor_walk entries_of(const petrichor_element *dict)
{
	static const petrichor_options any = {.allow = PETRICHOR_ALLOW_TEXT | PETRICHOR_ALLOW_LOOSE};
	return petrichor_inside(dict, &any);
}

int petrichor_get(const petrichor_element *dict, const char *key, petrichor_element *value)
{
	if (dict->kind != PETRICHOR_DICT)
		return PETRICHOR_TYPE;
	petrichor_walk w = entries_of(dict);
	petrichor_element k, v;
	int got, found = 0;
	while ((got = petrichor_next_entry(&w, &k, &v)) > 0) {
		if (petrichor_is(&k, key)) {
			*value = v;
			found = DONE;
		}
	}
	return got < 0 ? got : found;
}

/* ---- Checking --------------------------------------------------------------- */

/* A span is where the payload of a key lies in that of its dict. */
typedef struct span {
	uint32_t at, size;
} span;

/* What is known of the keys of a dict while it is checked. */
typedef struct keys {
	petrichor_element last;
	size_t count;
	int disorder;
} keys;

/* A level is a container that has been entered, and how far. */
typedef struct level {
	petrichor_element container;
	petrichor_walk left;
	keys seen;
} level;

/*
 * A checker is one pass over an element.  It does not recurse: where it stands
 * is in levels, the outermost first, which begin as few_levels.
 */
typedef struct checker {
	const petrichor_options *o;
	size_t left;       /* values that may still come */
	const char *wrong; /* the byte that decided it */
	size_t depth, room;
	level *levels, few_levels[FEW_LEVELS];
	span few_keys[2 * FEW_KEYS];
} checker;

static int refuse(checker *k, int error, const char *wrong)
{
	k->wrong = wrong;
	return error;
}

static petrichor_walk inside(const checker *k, const petrichor_element *el)
{
	return (petrichor_walk){el->payload, el->payload + el->size, k->o->allow};
}

static int compare(const petrichor_element *a, const petrichor_element *b)
{
	int order = memcmp(a->payload, b->payload, least(a->size, b->size));
	if (order == 0)
		order = (a->size > b->size) - (a->size < b->size);
	return order;
}

/* A sorting is the keys of one dict. */
typedef struct sorting {
	petrichor_walk dict;
	span *from, *to; /* room for count each */
	size_t count;
} sorting;

static int compare_spans(const sorting *s, span a, span b)
{
	petrichor_element x = {s->dict.at + a.at, a.size, 0}, y = {s->dict.at + b.at, b.size, 0};
	return compare(&x, &y);
}

/* collect finds the keys, which have been checked.  The last value may be missing. */
static void collect(sorting *s)
{
	petrichor_walk w = s->dict;
	petrichor_element el;
	for (size_t i = 0; i < s->count; i++) {
		next(&w, &el);
		s->from[i] = (span){(uint32_t)(el.payload - s->dict.at), (uint32_t)el.size};
		next(&w, &el);
	}
}

/* merge makes one run of two, [begin..middle) and [middle..end). */
static void merge(sorting *s, size_t begin, size_t middle, size_t end)
{
	size_t i = begin, j = middle;
	for (size_t to = begin; to < end; to++) {
		int first = j == end || (i < middle && compare_spans(s, s->from[i], s->from[j]) <= 0);
		s->to[to] = first ? s->from[i++] : s->from[j++];
	}
}

/* sort leaves the keys in order in s->from, equal ones as they came. */
static void sort(sorting *s)
{
	for (size_t run = 1; run < s->count; run *= 2) {
		for (size_t i = 0; i < s->count; i += 2 * run)
			merge(s, i, least(i + run, s->count), least(i + 2 * run, s->count));
		span *sorted = s->to;
		s->to = s->from;
		s->from = sorted;
	}
}

/* first_repeated returns where the first key lies that came before, or NULL. */
static const char *first_repeated(const sorting *s)
{
	uint32_t first = UINT32_MAX;
	for (size_t i = 1; i < s->count; i++)
		if (s->from[i].at < first && compare_spans(s, s->from[i - 1], s->from[i]) == 0)
			first = s->from[i].at;
	return first == UINT32_MAX ? NULL : s->dict.at + first;
}

/* sort_keys finds out whether the first count keys of a dict differ. */
static int sort_keys(checker *k, const petrichor_element *dict, size_t count)
{
	span *table = k->few_keys;
	if (count > SIZE_MAX / (2 * sizeof *table))
		return refuse(k, PETRICHOR_MEMORY, dict->payload);
	if (count > FEW_KEYS)
		table = resize(k->o, NULL, 2 * count * sizeof *table);
	if (!table)
		return refuse(k, PETRICHOR_MEMORY, dict->payload);
	sorting s = {inside(k, dict), table, table + count, count};
	collect(&s);
	sort(&s);
	const char *repeated = first_repeated(&s);
	if (table != k->few_keys)
		resize(k->o, table, 0);
	return repeated ? refuse(k, PETRICHOR_DUPLICATE, repeated) : DONE;
}

static int add_key(checker *k, keys *seen, const petrichor_element *key)
{
	int order = seen->count ? compare(&seen->last, key) : -1;
	if (order == 0 && !(k->o->allow & PETRICHOR_ALLOW_DUPLICATES))
		return refuse(k, PETRICHOR_DUPLICATE, key->payload);
	seen->disorder |= order > 0;
	seen->last = *key;
	seen->count++;
	return DONE;
}

/* keys_differ is for those of a level so far. */
static int keys_differ(checker *k, const level *l)
{
	if (!l->seen.disorder || (k->o->allow & PETRICHOR_ALLOW_DUPLICATES))
		return DONE;
	return sort_keys(k, &l->container, l->seen.count);
}

static int more_levels(checker *k)
{
	level *old = k->levels == k->few_levels ? NULL : k->levels;
	level *more = resize(k->o, old, 2 * k->room * sizeof *more); /* room is below 2 * DEEPEST */
	if (!more)
		return PETRICHOR_MEMORY;
	if (!old)
		memcpy(more, k->few_levels, sizeof k->few_levels);
	k->levels = more;
	k->room *= 2;
	return DONE;
}

static int enter(checker *k, const petrichor_element *container)
{
	if (k->depth >= least(k->o->max_depth, DEEPEST))
		return refuse(k, PETRICHOR_TOO_DEEP, container->payload);
	if (k->depth == k->room && more_levels(k) != DONE)
		return refuse(k, PETRICHOR_MEMORY, container->payload);
	k->levels[k->depth++] = (level){*container, inside(k, container), {.count = 0}};
	return DONE;
}

/* check_one checks el, but enters it only if it is a container. */
static int check_one(checker *k, const petrichor_element *el)
{
	int error;
	if (k->left == 0)
		return refuse(k, PETRICHOR_TOO_MANY, el->payload);
	k->left--;
	if (is_container(el->kind))
		return enter(k, el);
	const char *wrong = wrong_scalar(el, k->o->allow, &error);
	return wrong ? refuse(k, error, wrong) : DONE;
}

static int check_key(checker *k, level *l)
{
	petrichor_element key;
	int got = next_key(&l->left, &key);
	if (got != DONE)
		return refuse(k, got, l->left.at);
	got = check_one(k, &key);
	return got == DONE ? add_key(k, &l->seen, &key) : got;
}

/* check_next checks what comes next in the innermost level, or leaves it at its end. */
static int check_next(checker *k)
{
	level *l = &k->levels[k->depth - 1];
	petrichor_element el;
	int got = DONE;
	if (l->left.at == l->left.end) {
		k->depth--;
		return keys_differ(k, l);
	}
	if (l->container.kind == PETRICHOR_DICT)
		got = check_key(k, l);
	if (got != DONE)
		return got;
	got = next(&l->left, &el);
	return got == DONE ? check_one(k, &el) : refuse(k, got, l->left.at);
}

/*
 * check_down checks el all the way down.  A key that came before is found at the
 * end of its dict or, since it precedes that, at the first fault.
 */
static int check_down(checker *k, const petrichor_element *el)
{
	int got = check_one(k, el);
	while (got == DONE && k->depth > 0)
		got = check_next(k);
	for (; k->depth > 0; k->depth--) {
		int differ = keys_differ(k, &k->levels[k->depth - 1]);
		got = differ == DONE ? got : differ;
	}
	if (k->levels != k->few_levels)
		resize(k->o, k->levels, 0);
	return got;
}

static int check_all(const char *b, size_t n, const petrichor_options *o, petrichor_element *el, size_t *at)
{
	int got = cut(b, n, o->allow, limit_of(o->max_size), el, at);
	if (got != DONE)
		return got;
	if (*at < n)
		return PETRICHOR_TRAILING;
	checker k;
	k.o = o;
	k.left = o->max_values;
	k.depth = 0;
	k.levels = k.few_levels;
	k.room = FEW_LEVELS;
	got = check_down(&k, el);
	if (got != DONE)
		*at = (size_t)(k.wrong - b);
	return got;
}

/* check_whole is check_all for what somebody says is an element: short is a fault. */
static int check_whole(petrichor_raw raw, const petrichor_options *o, petrichor_element *el)
{
	size_t at;
	*el = (petrichor_element){NULL, 0, 0};
	int got = check_all(raw.bytes, raw.size, o, el, &at);
	return got == PETRICHOR_SHORT ? PETRICHOR_SIZE : got;
}

ptrdiff_t petrichor_check(const char *b, size_t n, const petrichor_options *o,
	petrichor_element *el, size_t *at)
{
	petrichor_element whole;
	size_t place;
	int got = check_all(b, n, on_buffer(o), &whole, &place);
	if (el && got == DONE)
		*el = whole;
	return answer(got, place, at);
}

/* ---- Feeding ---------------------------------------------------------------- */

void petrichor_reader_init(petrichor_reader *r, const petrichor_options *o)
{
	memset(r, 0, sizeof *r);
	r->options = *on_stream(o);
}

void petrichor_reader_free(petrichor_reader *r)
{
	petrichor_options o = r->options;
	if (r->buf)
		resize(&o, r->buf, 0);
	petrichor_reader_init(r, &o);
}

size_t petrichor_buffered(const petrichor_reader *r) { return r->used - r->next; }

/* settle ends the loan of what was handed out last. */
static void settle(petrichor_reader *r)
{
	if (r->lent == r->next)
		return;
	r->buf[r->lent] = '#';
	r->lent = r->next;
}

/* rebase makes buf, which begins with the unread bytes, the buffer. */
static void rebase(petrichor_reader *r, char *buf, size_t room)
{
	r->base += r->next;
	r->used -= r->next;
	r->buf = buf;
	r->room = room;
	r->lent = r->next = 0;
}

/*
 * slide moves the unread bytes to the front where n more would not fit behind
 * them, or lets an empty large buffer go.  Moving at most what was consumed
 * before keeps the whole linear.
 */
static void slide(petrichor_reader *r, size_t n)
{
	size_t unread = petrichor_buffered(r);
	if (unread == 0 && r->room > LARGE_BUFFER) {
		resize(&r->options, r->buf, 0);
		rebase(r, NULL, 0);
		return;
	}
	if (n > r->room - r->used && r->next >= unread && r->buf) {
		memmove(r->buf, r->buf + r->next, unread);
		rebase(r, r->buf, r->room);
	}
}

/* grow makes place for n more bytes; the buffer at least doubles. */
static int grow(petrichor_reader *r, size_t n)
{
	const petrichor_options *o = &r->options;
	size_t unread = petrichor_buffered(r);
	if (n > SIZE_MAX - unread)
		return PETRICHOR_MEMORY;
	size_t twice = unread > SIZE_MAX / 2 ? SIZE_MAX : 2 * unread;
	size_t room = most(most(twice, unread + n), SMALL_BUFFER);
	char *bigger = resize(o, NULL, room);
	if (!bigger)
		return PETRICHOR_MEMORY;
	if (r->buf) {
		memcpy(bigger, r->buf + r->next, unread);
		resize(o, r->buf, 0);
	}
	rebase(r, bigger, room);
	return DONE;
}

static int reserve(petrichor_reader *r, size_t n)
{
	settle(r);
	slide(r, n);
	return n <= r->room - r->used ? DONE : grow(r, n);
}

int petrichor_feed(petrichor_reader *r, const char *b, size_t n)
{
	if (n == 0)
		return DONE;
	if (reserve(r, n) != DONE)
		return PETRICHOR_MEMORY;
	memcpy(r->buf + r->used, b, n);
	r->used += n;
	return DONE;
}

char *petrichor_room(petrichor_reader *r, size_t *n)
{
	if (reserve(r, 1) != DONE)
		return NULL;
	*n = r->room - r->used;
	return r->buf + r->used;
}

void petrichor_filled(petrichor_reader *r, size_t n) { r->used += n; }

/* took hands out what was cut, or remembers why there is none. */
static int took(petrichor_reader *r, int got, size_t at)
{
	if (got == DONE) {
		r->lent = r->next;
		r->next += at;
		r->need = 0;
	}
	if (got == PETRICHOR_SHORT)
		r->need = at;
	if (got < 0) {
		r->error = got;
		r->offset = r->base + r->next + at;
	}
	return got;
}

/* unread returns the bytes at which an element has to begin; never NULL. */
static const char *unread(petrichor_reader *r)
{
	settle(r);
	return r->buf ? r->buf + r->next : "";
}

int petrichor_read_element(petrichor_reader *r, petrichor_raw *raw)
{
	petrichor_element el;
	const char *b = unread(r);
	size_t at;
	if (r->error)
		return r->error;
	int got = cut(b, petrichor_buffered(r), r->options.allow, limit_of(r->options.max_size), &el, &at);
	if (got == DONE)
		*raw = (petrichor_raw){b, at};
	return took(r, got, at);
}

int petrichor_read_frame(petrichor_reader *r, petrichor_frame *f)
{
	const char *b = unread(r);
	size_t at;
	if (r->error)
		return r->error;
	int got = cut_frame(b, petrichor_buffered(r), &r->options, f, &at);
	return took(r, got, at);
}

/* ---- Writing ---------------------------------------------------------------- */

void petrichor_writer_init(petrichor_writer *w, char *buf, size_t room)
{
	*w = (petrichor_writer){buf, room, 0, 0};
}

int petrichor_written(const petrichor_writer *w, petrichor_raw *all)
{
	if (w->error)
		return w->error;
	if (w->used > w->room)
		return PETRICHOR_ROOM;
	*all = (petrichor_raw){w->buf + (w->room - w->used), w->used};
	return DONE;
}

static void fail(petrichor_writer *w, int error)
{
	if (!w->error)
		w->error = error;
}

/* put_in_front writes b[0..n), or counts it where there is no room. */
static void put_in_front(petrichor_writer *w, const char *b, size_t n)
{
	if (n > SIZE_MAX - w->used) {
		fail(w, PETRICHOR_TOO_LARGE);
		return;
	}
	w->used += n;
	if (w->used <= w->room && n > 0)
		memcpy(w->buf + (w->room - w->used), b, n);
}

/* put_size writes a size and its colon. */
static void put_size(petrichor_writer *w, size_t size)
{
	char text[MAX_DIGITS + 1];
	size_t at = MAX_DIGITS;
	if (size > NINE_DIGITS) {
		fail(w, PETRICHOR_TOO_LARGE);
		return;
	}
	text[at] = ':';
	do
		text[--at] = (char)('0' + size % 10);
	while (size /= 10);
	put_in_front(w, text + at, sizeof text - at);
}

size_t petrichor_begin(petrichor_writer *w, int kind)
{
	char tag = (char)kind;
	put_in_front(w, &tag, 1);
	return w->used;
}

void petrichor_end(petrichor_writer *w, size_t mark)
{
	put_size(w, w->used - mark);
}

void petrichor_put(petrichor_writer *w, int kind, const char *payload, size_t size)
{
	size_t mark = petrichor_begin(w, kind);
	put_in_front(w, payload, size);
	petrichor_end(w, mark);
}

void petrichor_put_raw(petrichor_writer *w, petrichor_raw raw, const petrichor_options *o)
{
	petrichor_element el;
	int got = check_whole(raw, on_buffer(o), &el);
	if (got != DONE)
		fail(w, got);
	put_in_front(w, raw.bytes, raw.size);
}

void petrichor_put_null(petrichor_writer *w) { petrichor_put(w, PETRICHOR_NULL, "", 0); }
void petrichor_put_bytes(petrichor_writer *w, const char *b, size_t n) { petrichor_put(w, PETRICHOR_STRING, b, n); }
void petrichor_put_string(petrichor_writer *w, const char *s) { petrichor_put_bytes(w, s, strlen(s)); }

void petrichor_put_bool(petrichor_writer *w, int v)
{
	petrichor_put(w, PETRICHOR_BOOL, v ? "true" : "false", v ? 4 : 5);
}

static void put_magnitude(petrichor_writer *w, uint64_t v, int negative)
{
	char text[21];
	size_t at = sizeof text;
	do
		text[--at] = (char)('0' + v % 10);
	while (v /= 10);
	if (negative)
		text[--at] = '-';
	petrichor_put(w, PETRICHOR_INT, text + at, sizeof text - at);
}

void petrichor_put_uint(petrichor_writer *w, uint64_t v) { put_magnitude(w, v, 0); }

void petrichor_put_int(petrichor_writer *w, int64_t v)
{
	put_magnitude(w, v < 0 ? -(uint64_t)v : (uint64_t)v, v < 0);
}

/* A decimal is digits d.ddd * 10^exponent, without zeros at their end. */
typedef struct decimal {
	char digits[DBL_DIG + 4];
	size_t count;
	int exponent;
} decimal;

/*
 * reads_back tells whether text, which printf made of v with some digits, reads
 * back as v.  Below a power of two floats lie closer together than above, so
 * that there the next digit may do where the nearest does not.
 */
static int reads_back(char *text, double v)
{
	if (strtod(text, NULL) == v)
		return 1;
	char *last = strchr(text, 'e') - 1;
	if (*last == '9')
		return 0;
	++*last;
	return strtod(text, NULL) == v;
}

/* shortest finds the fewest digits that read back as v > 0: up to 15 do for each double with 15. */
static decimal shortest(double v)
{
	decimal d = {.count = 0};
	char text[64];
	for (int digits = v < DBL_MIN ? 1 : DBL_DIG; digits <= DBL_DIG + 2; digits++) {
		snprintf(text, sizeof text, "%.*e", digits - 1, v);
		if (reads_back(text, v))
			break;
	}
	const char *p = text;
	for (; *p != 'e'; p++)
		if (is_digit(*p)) /* and not the point of the locale */
			d.digits[d.count++] = *p;
	d.exponent = (int)strtol(p + 1, NULL, 10);
	while (d.count > 1 && d.digits[d.count - 1] == '0')
		d.count--;
	return d;
}

/* put_fraction writes d without an exponent. */
static void put_fraction(petrichor_writer *w, const decimal *d)
{
	static const char zeros[] = "0.00000000000000000000";
	int before = d->exponent + 1, digits = (int)d->count;
	if (before >= digits) {
		put_in_front(w, ".0", 2);
		put_in_front(w, zeros + 2, (size_t)(before - digits));
		put_in_front(w, d->digits, d->count);
		return;
	}
	if (before > 0) {
		put_in_front(w, d->digits + before, (size_t)(digits - before));
		put_in_front(w, ".", 1);
		put_in_front(w, d->digits, (size_t)before);
		return;
	}
	put_in_front(w, d->digits, d->count);
	for (; before < 0; before++)
		put_in_front(w, "0", 1);
	put_in_front(w, "0.", 2);
}

static void put_exponential(petrichor_writer *w, const decimal *d)
{
	char text[16];
	int n = snprintf(text, sizeof text, "e+%d", d->exponent);
	put_in_front(w, text, (size_t)n);
	put_in_front(w, d->count > 1 ? d->digits + 1 : "0", d->count > 1 ? d->count - 1 : 1);
	put_in_front(w, ".", 1);
	put_in_front(w, d->digits, 1);
}

static int is_negative(double v)
{
	uint64_t bits;
	memcpy(&bits, &v, sizeof bits);
	return bits >> 63 != 0;
}

void petrichor_put_double(petrichor_writer *w, double v)
{
	int negative = is_negative(v);
	if (!(v >= -DBL_MAX && v <= DBL_MAX)) {
		fail(w, PETRICHOR_RANGE);
		return;
	}
	v = negative ? -v : v;
	decimal d = v > 0 ? shortest(v) : (decimal){"0", 1, 0};
	size_t mark = petrichor_begin(w, PETRICHOR_FLOAT);
	if (v < 1e21)
		put_fraction(w, &d);
	else
		put_exponential(w, &d);
	if (negative)
		put_in_front(w, "-", 1);
	petrichor_end(w, mark);
}

/* ---- Talking ---------------------------------------------------------------- */

#ifndef PETRICHOR_NO_SOCKETS

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* there SO_NOSIGPIPE does it */
#endif

/* Deadlines are milliseconds of a clock nobody sets; NEVER is no deadline. */
#define NEVER INT64_MAX

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t deadline_of(const petrichor_options *o)
{
	return o->timeout < 0 ? NEVER : now() + o->timeout;
}

static int64_t left_until(int64_t deadline) { return deadline == NEVER ? NEVER : deadline - now(); }

static int has_passed(int64_t deadline) { return left_until(deadline) <= 0; }

/* wait_for waits until fd is ready for events. */
static int wait_for(int fd, short events, int64_t deadline)
{
	struct pollfd p = {fd, events, 0};
	int64_t left;
	while ((left = left_until(deadline)) > 0) { /* the clock is read once: below zero, poll waits for ever */
		int got = poll(&p, 1, left > INT_MAX ? INT_MAX : (int)left);
		if (got > 0)
			return DONE;
		if (got < 0 && errno != EINTR)
			return PETRICHOR_SYSTEM;
	}
	return PETRICHOR_TIMEOUT;
}

/* again waits until a call that failed with errno can be tried again. */
static int again(int fd, short events, int64_t deadline)
{
	if (errno == EINTR)
		return DONE;
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return wait_for(fd, events, deadline);
	return PETRICHOR_SYSTEM;
}

/* unopened makes c what petrichor_close leaves. */
static void unopened(petrichor_conn *c, const petrichor_options *o)
{
	memset(c, 0, sizeof *c);
	c->fd = -1;
	petrichor_reader_init(&c->reader, o);
}

void petrichor_open(petrichor_conn *c, int fd, const petrichor_options *o)
{
	int on = 1;
	unopened(c, o);
	c->fd = fd;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* fails, rightly, where it is not TCP */
#ifdef SO_NOSIGPIPE
	setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
}

void petrichor_close(petrichor_conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	petrichor_reader_free(&c->reader);
}

/* abandon closes c and keeps errno for the caller. */
static int abandon(petrichor_conn *c, int error)
{
	int kept = errno;
	petrichor_close(c);
	errno = kept;
	return error;
}

/* fill receives once. */
static int fill(petrichor_conn *c, int64_t deadline)
{
	size_t n;
	char *room = petrichor_room(&c->reader, &n);
	if (!room)
		return PETRICHOR_MEMORY;
	for (;;) {
		ssize_t got = recv(c->fd, room, n, 0);
		if (got > 0) {
			petrichor_filled(&c->reader, (size_t)got);
			return DONE;
		}
		if (got == 0)
			return petrichor_buffered(&c->reader) ? PETRICHOR_CUT_OFF : PETRICHOR_CLOSED;
		int ready = again(c->fd, POLLIN, deadline);
		if (ready != DONE)
			return ready;
	}
}

static int receive(petrichor_conn *c, petrichor_frame *f, int64_t deadline)
{
	for (int late = 0;;) {
		int got = petrichor_read_frame(&c->reader, f);
		if (got != PETRICHOR_SHORT)
			return got;
		if (late)
			return PETRICHOR_TIMEOUT;
		got = fill(c, deadline);
		if (got != DONE)
			return got;
		late = has_passed(deadline);
	}
}

/* drop takes the n bytes that were sent off the front of parts. */
static void drop(struct msghdr *parts, size_t n)
{
	while (parts->msg_iovlen > 0 && n >= parts->msg_iov->iov_len) {
		n -= parts->msg_iov->iov_len;
		parts->msg_iov++;
		parts->msg_iovlen--;
	}
	if (parts->msg_iovlen > 0) {
		parts->msg_iov->iov_base = (char *)parts->msg_iov->iov_base + n;
		parts->msg_iov->iov_len -= n;
	}
}

/* transmit sends parts, all or, when it fails, maybe some. */
static int transmit(petrichor_conn *c, struct msghdr *parts, int64_t deadline)
{
	if (c->broken)
		return PETRICHOR_BROKEN;
	drop(parts, 0); /* empty ones */
	while (parts->msg_iovlen > 0) {
		ssize_t sent = sendmsg(c->fd, parts, MSG_NOSIGNAL);
		int got = sent >= 0 ? DONE : again(c->fd, POLLOUT, deadline);
		if (sent > 0) {
			drop(parts, (size_t)sent);
			c->broken = parts->msg_iovlen > 0;
		}
		if (got == DONE && parts->msg_iovlen > 0 && has_passed(deadline))
			got = PETRICHOR_TIMEOUT;
		if (got != DONE)
			return got;
	}
	return DONE;
}

static struct iovec part(const char *b, size_t n)
{
	struct iovec p = {(void *)(uintptr_t)b, n}; /* sendmsg only reads it */
	return p;
}

/*
 * sendable checks both halves of a frame with the options of c, but for how large they may
 * be, which is for the peer to say; one without bytes becomes the empty dict, or null.
 */
static int sendable(const petrichor_conn *c, unsigned allow, petrichor_frame *f, petrichor_element *header)
{
	petrichor_options o = c->reader.options;
	petrichor_element body;
	o.allow = allow;
	o.max_header = o.max_size = NINE_DIGITS;
	o.max_values = SIZE_MAX;
	if (!f->header.bytes)
		f->header = (petrichor_raw){"0:}", 3};
	if (!f->body.bytes)
		f->body = (petrichor_raw){"0:~", 3};
	int got = check_whole(f->header, &o, header);
	if (got == DONE && header->kind != PETRICHOR_DICT)
		return PETRICHOR_HEADER;
	return got == DONE ? check_whole(f->body, &o, &body) : got;
}

static int send_frame(petrichor_conn *c, petrichor_frame f, int64_t deadline)
{
	petrichor_element header;
	int got = sendable(c, c->reader.options.allow, &f, &header);
	if (got != DONE)
		return got;
	struct iovec halves[] = {part(f.header.bytes, f.header.size), part(f.body.bytes, f.body.size)};
	struct msghdr parts = {.msg_iov = halves, .msg_iovlen = 2};
	return transmit(c, &parts, deadline);
}

int petrichor_send(petrichor_conn *c, petrichor_frame f)
{
	return send_frame(c, f, deadline_of(&c->reader.options));
}

int petrichor_recv(petrichor_conn *c, petrichor_frame *f)
{
	if (c->waiting)
		return PETRICHOR_NOT_ALLOWED;
	return receive(c, f, deadline_of(&c->reader.options));
}

int petrichor_request(petrichor_conn *c, petrichor_frame f, petrichor_frame *reply)
{
	int got = petrichor_send(c, f);
	return got == DONE ? petrichor_recv(c, reply) : got;
}

/* An opening is where in the payload of a header an entry goes, or is replaced. */
typedef struct opening {
	const char *from, *to;
} opening;

/* open_for finds the entry with a key, or else the first with a greater one, so that order is kept. */
static opening open_for(const petrichor_element *header, const petrichor_element *wanted)
{
	petrichor_walk w = entries_of(header);
	petrichor_element key, value;
	opening o = {w.end, w.end};
	const char *from = w.at;
	for (; petrichor_next_entry(&w, &key, &value) > 0; from = w.at) {
		int order = compare(&key, wanted);
		if (order == 0)
			return (opening){from, w.at};
		if (order > 0 && o.from == w.end)
			o = (opening){from, from};
	}
	return o;
}

static int answer_with(petrichor_conn *c, petrichor_frame f, const char *entry)
{
	static const petrichor_element allowed = {"allowed", 7, PETRICHOR_STRING};
	petrichor_element header;
	unsigned once = c->reader.options.allow & ~(unsigned)PETRICHOR_ALLOW_DUPLICATES; /* one allowed, which is ours */
	int got = sendable(c, once, &f, &header);
	if (got != DONE)
		return got;
	opening o = open_for(&header, &allowed);
	const char *end = header.payload + header.size;
	size_t before = (size_t)(o.from - header.payload), after = (size_t)(end - o.to);
	size_t size = before + strlen(entry) + after; /* below 2^30 and a few */
	if (size > NINE_DIGITS)
		return PETRICHOR_TOO_LARGE;
	char prefix[16];
	int digits = snprintf(prefix, sizeof prefix, "%lu:", (unsigned long)size);
	struct iovec pieces[] = {
		part(prefix, (size_t)digits), part(header.payload, before), part(entry, strlen(entry)),
		part(o.to, after), part("}", 1), part(f.body.bytes, f.body.size),
	};
	struct msghdr parts = {.msg_iov = pieces, .msg_iovlen = sizeof pieces / sizeof *pieces};
	return transmit(c, &parts, deadline_of(&c->reader.options));
}

int petrichor_allow(petrichor_conn *c, petrichor_frame answer)
{
	int got = answer_with(c, answer, "7:allowed,4:true!");
	if (got == DONE)
		c->waiting = 0;
	return got;
}

int petrichor_deny(petrichor_conn *c, petrichor_frame answer)
{
	return answer_with(c, answer, "7:allowed,5:false!");
}

int petrichor_allowed(petrichor_raw header, const petrichor_options *o)
{
	petrichor_element dict, value;
	int v = 0;
	if (check_whole(header, on_buffer(o), &dict) != DONE)
		return 0;
	int got = petrichor_get(&dict, "allowed", &value);
	return got == 0 || (got > 0 && petrichor_to_bool(&value, &v) > 0 && v);
}

int petrichor_accept(petrichor_conn *c, int fd, petrichor_frame *first, const petrichor_options *o)
{
	if (fd < 0) {
		unopened(c, o);
		return PETRICHOR_SYSTEM;
	}
	petrichor_open(c, fd, o);
	petrichor_options *limits = &c->reader.options;
	size_t lifted = limits->max_frame;
	limits->max_frame = least(lifted, ADMISSION);
	c->waiting = 1;
	int got = receive(c, first, deadline_of(limits));
	limits->max_frame = lifted;
	return got == DONE ? got : abandon(c, got);
}

static int find_host(const char *host, const char *port, int flags, struct addrinfo **found)
{
	struct addrinfo hints = {.ai_flags = flags, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	return getaddrinfo(host, port, &hints, found) == 0 ? DONE : PETRICHOR_UNKNOWN_HOST;
}

/* finish_connecting waits for connect, which is under way. */
static int finish_connecting(int fd, int64_t deadline)
{
	int error = 0;
	socklen_t size = sizeof error;
	int got = wait_for(fd, POLLOUT, deadline);
	if (got != DONE)
		return got;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return PETRICHOR_SYSTEM;
	errno = error;
	return error ? PETRICHOR_SYSTEM : DONE;
}

/* dial makes c a connection to one address. */
static int dial(petrichor_conn *c, const struct addrinfo *to, const petrichor_options *o, int64_t deadline)
{
	int fd = socket(to->ai_family, to->ai_socktype, to->ai_protocol);
	if (fd < 0)
		return PETRICHOR_SYSTEM;
	petrichor_open(c, fd, o);
	int got = DONE;
	if (connect(fd, to->ai_addr, to->ai_addrlen) < 0)
		got = errno == EINPROGRESS || errno == EINTR ? finish_connecting(fd, deadline) : PETRICHOR_SYSTEM;
	return got == DONE ? got : abandon(c, got);
}

static int dial_any(petrichor_conn *c, const char *host, const char *port,
	const petrichor_options *o, int64_t deadline)
{
	struct addrinfo *found;
	int got = find_host(host, port, 0, &found);
	if (got != DONE)
		return got;
	got = PETRICHOR_UNKNOWN_HOST;
	for (struct addrinfo *to = found; to && got != DONE && got != PETRICHOR_TIMEOUT; to = to->ai_next)
		got = dial(c, to, o, deadline);
	int kept = errno;
	freeaddrinfo(found);
	errno = kept;
	return got;
}

int petrichor_connect(petrichor_conn *c, const char *host, const char *port,
	petrichor_frame hello, petrichor_frame *answer, const petrichor_options *o)
{
	int64_t deadline = deadline_of(on_stream(o));
	unopened(c, o);
	int got = dial_any(c, host, port, o, deadline);
	if (got == DONE)
		got = send_frame(c, hello, deadline);
	if (got == DONE)
		got = receive(c, answer, deadline);
	return got == DONE ? got : abandon(c, got);
}

static int listen_on(const struct addrinfo *at)
{
	int on = 1, fd = socket(at->ai_family, at->ai_socktype, at->ai_protocol);
	if (fd < 0)
		return PETRICHOR_SYSTEM;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;
	int kept = errno;
	close(fd);
	errno = kept;
	return PETRICHOR_SYSTEM;
}

int petrichor_listen(const char *host, const char *port)
{
	struct addrinfo *found;
	int fd = find_host(host, port, AI_PASSIVE, &found);
	if (fd != DONE)
		return fd;
	fd = PETRICHOR_UNKNOWN_HOST;
	for (struct addrinfo *at = found; at && fd < 0; at = at->ai_next)
		fd = listen_on(at);
	freeaddrinfo(found);
	return fd;
}

#endif
