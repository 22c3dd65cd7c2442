#include "support.h"

#include <string.h>

int same(verdict a, verdict b) { return a.got == b.got && a.at == b.at; }

const char *layer(int got)
{
	switch (got) {
	case OK: return "ok";
	case PETRICHOR_SHORT: return "short";
	case PETRICHOR_HEADER: return "header error";
	case PETRICHOR_TOO_LARGE: case PETRICHOR_TOO_DEEP: case PETRICHOR_TOO_MANY: return "limit";
	case PETRICHOR_RANGE: return "range";
	}
	return "syntax error";
}

static verdict result(ptrdiff_t got, size_t at)
{
	verdict v = {got > 0 ? OK : (int)got, got > 0 ? (uint64_t)got : at};
	return v;
}

/* overflowing returns the payload of the first float in el that no double holds, or NULL. */
static const char *overflowing(const petrichor_element *el, const petrichor_options *o)
{
	double d;
	petrichor_walk w = petrichor_inside(el, o);
	petrichor_element inner;
	const char *found = NULL;
	if (el->kind == PETRICHOR_FLOAT && petrichor_to_double(el, &d) == PETRICHOR_RANGE)
		return el->payload;
	while (!found && petrichor_next(&w, &inner) > 0)
		found = overflowing(&inner, o);
	return found;
}

verdict checked(const char *b, size_t n, const petrichor_options *o)
{
	size_t at = 0;
	petrichor_element el;
	ptrdiff_t got = petrichor_check(b, n, o, &el, &at);
	const char *wrong = got > 0 ? overflowing(&el, o) : NULL;
	if (wrong)
		return result(PETRICHOR_RANGE, (size_t)(wrong - b));
	return result(got, at);
}

verdict cut_first(const char *b, size_t n, const petrichor_options *o)
{
	size_t at = 0;
	petrichor_element el;
	ptrdiff_t got = petrichor_cut(b, n, o, &el, &at);
	return result(got, at);
}

/* feed feeds the next portion, which lies in memory of exactly its size. */
static void feed(petrichor_reader *r, const char *b, size_t n)
{
	char *exact = malloc(n);
	must(exact, "%zu bytes", n);
	memcpy(exact, b, n);
	must(petrichor_feed(r, exact, n) > 0, "%zu bytes", n);
	free(exact);
}

verdict read_first(const char *b, size_t n, size_t portion, const petrichor_options *o)
{
	petrichor_reader r;
	petrichor_raw raw = {NULL, 0};
	petrichor_reader_init(&r, o);
	int got = petrichor_read_element(&r, &raw);
	for (size_t fed = 0, more; got == PETRICHOR_SHORT && fed < n; fed += more) {
		more = n - fed < portion ? n - fed : portion;
		feed(&r, b + fed, more);
		got = petrichor_read_element(&r, &raw);
	}
	verdict v = {got, got < 0 ? r.offset : got > 0 ? raw.size : r.need};
	must(got <= 0 || memcmp(raw.bytes, b, raw.size) == 0, "read something else");
	petrichor_reader_free(&r);
	return v;
}

void add(text *t, const char *b, size_t n)
{
	if (t->room - t->size < n) {
		t->room = 2 * t->room + n + 256;
		t->bytes = realloc(t->bytes, t->room);
		must(t->bytes, "%zu bytes", t->room);
	}
	if (n > 0)
		memcpy(t->bytes + t->size, b, n);
	t->size += n;
}

void add_words(text *t, const char *s) { add(t, s, strlen(s)); }

/* took_frame checks a frame that began at base. */
static verdict took_frame(petrichor_frame f, uint64_t base, const petrichor_options *o, text *frames)
{
	petrichor_options halves = *o; /* their sizes have been looked at */
	halves.max_size = petrichor_buffer_options.max_size;
	add(frames, f.header.bytes, f.header.size);
	add(frames, f.body.bytes, f.body.size);
	verdict v = checked(f.header.bytes, f.header.size, &halves);
	v.at += base;
	if (v.got != OK)
		return v;
	v = checked(f.body.bytes, f.body.size, &halves);
	v.at += base + f.header.size;
	return v;
}

static verdict frames_of_reader(petrichor_reader *r, uint64_t *base, text *frames)
{
	petrichor_frame f;
	int got;
	while ((got = petrichor_read_frame(r, &f)) > 0) {
		verdict v = took_frame(f, *base, &r->options, frames);
		if (v.got != OK)
			return v;
		*base += f.header.size + f.body.size;
	}
	return (verdict){got == PETRICHOR_SHORT && petrichor_buffered(r) == 0 ? OK : got, got < 0 ? r->offset : *base};
}

static verdict frames_of_buffer(const char *b, size_t n, const petrichor_options *o, text *frames)
{
	size_t base = 0, at = 0;
	while (base < n) {
		petrichor_frame f;
		ptrdiff_t got = petrichor_cut_frame(b + base, n - base, o, &f, &at);
		if (got <= 0)
			return result(got, got < 0 ? base + at : base);
		verdict v = took_frame(f, base, o, frames);
		if (v.got != OK)
			return v;
		base += (size_t)got;
	}
	return (verdict){OK, base};
}

verdict all_frames(const char *b, size_t n, size_t portion, const petrichor_options *o, text *frames)
{
	if (portion == 0)
		return frames_of_buffer(b, n, o, frames);
	petrichor_reader r;
	uint64_t base = 0;
	verdict v = {OK, 0};
	petrichor_reader_init(&r, o);
	for (size_t fed = 0, more; v.got >= 0 && fed < n; fed += more) {
		more = n - fed < portion ? n - fed : portion;
		feed(&r, b + fed, more);
		v = frames_of_reader(&r, &base, frames);
	}
	petrichor_reader_free(&r);
	return v;
}

static void add_escaped(text *t, const char *b, size_t n)
{
	char escape[8];
	for (size_t i = 0; i < n; i++) {
		int inside = i > 0 && i + 1 < n;
		if (b[i] == '\\')
			add_words(t, "\\\\");
		else if (b[i] != '/' && ((b[i] > ' ' && b[i] < 0x7f) || (b[i] == ' ' && inside)))
			add(t, b + i, 1);
		else {
			snprintf(escape, sizeof escape, "\\x%02x", (unsigned)(unsigned char)b[i]);
			add_words(t, escape);
		}
	}
}

void trace(text *t, const char *b, size_t n, unsigned allow)
{
	petrichor_options o = petrichor_buffer_options;
	o.allow = allow;
	for (ptrdiff_t got; n > 0; b += got, n -= (size_t)got) {
		petrichor_element el;
		got = petrichor_cut(b, n, &o, &el, NULL);
		must(got > 0, "trace of what is malformed");
		if (t->size > 0)
			add_words(t, " / ");
		add_words(t, petrichor_kind_name(el.kind));
		if (el.kind == PETRICHOR_LIST || el.kind == PETRICHOR_DICT) {
			char size[24];
			snprintf(size, sizeof size, " %zu", el.size);
			add_words(t, size);
			trace(t, el.payload, el.size, allow);
			continue;
		}
		if (el.size > 0)
			add_words(t, " ");
		add_escaped(t, el.payload, el.size);
	}
}

/* put_int_text writes an int of any size: no plus, no zeros in front. */
static void put_int_text(petrichor_writer *w, const petrichor_element *el)
{
	int64_t n;
	if (petrichor_to_int(el, &n) > 0) {
		petrichor_put_int(w, n);
		return;
	}
	const char *p = el->payload, *end = p + el->size;
	int negative = *p == '-';
	for (p += negative || *p == '+'; *p == '0' && p + 1 < end; p++)
		;
	text t = {NULL, 0, 0};
	add(&t, "-", negative ? 1 : 0);
	add(&t, p, (size_t)(end - p));
	petrichor_put(w, PETRICHOR_INT, t.bytes, t.size);
	free(t.bytes);
}

static void put_float(petrichor_writer *w, const petrichor_element *el)
{
	double d;
	must(petrichor_to_double(el, &d) > 0, "%.*s", (int)el->size, el->payload);
	if (d - d == 0)
		petrichor_put_double(w, d);
	else if (d > 0)
		petrichor_put(w, PETRICHOR_FLOAT, "inf", 3);
	else if (d < 0)
		petrichor_put(w, PETRICHOR_FLOAT, "-inf", 4);
	else
		petrichor_put(w, PETRICHOR_FLOAT, "nan", 3);
}

static void put_all(petrichor_writer *w, const char *b, size_t n, unsigned allow);

static void put_element(petrichor_writer *w, const petrichor_element *el, unsigned allow)
{
	int v = 0;
	switch (el->kind) {
	case PETRICHOR_LIST: case PETRICHOR_DICT: {
		size_t mark = petrichor_begin(w, el->kind);
		put_all(w, el->payload, el->size, allow);
		petrichor_end(w, mark);
		return;
	}
	case PETRICHOR_INT: put_int_text(w, el); return;
	case PETRICHOR_FLOAT: put_float(w, el); return;
	case PETRICHOR_NULL: petrichor_put_null(w); return;
	case PETRICHOR_BOOL:
		must(petrichor_to_bool(el, &v) > 0, "no bool");
		petrichor_put_bool(w, v);
		return;
	}
	petrichor_put(w, el->kind, el->payload, el->size);
}

/* put_all writes elements in a row, the last first. */
static void put_all(petrichor_writer *w, const char *b, size_t n, unsigned allow)
{
	petrichor_options o = petrichor_buffer_options;
	petrichor_element *all = NULL;
	size_t count = 0, room = 0;
	o.allow = allow;
	for (ptrdiff_t got; n > 0; b += got, n -= (size_t)got) {
		if (count == room) {
			room = 2 * room + 16;
			all = realloc(all, room * sizeof *all);
			must(all, "%zu elements", room);
		}
		got = petrichor_cut(b, n, &o, &all[count++], NULL);
		must(got > 0, "rewriting what is malformed");
	}
	while (count > 0)
		put_element(w, &all[--count], allow);
	free(all);
}

void rewrite(text *t, const char *b, size_t n, unsigned allow)
{
	petrichor_writer w;
	petrichor_raw all;
	petrichor_writer_init(&w, NULL, 0);
	put_all(&w, b, n, allow); /* only to see how much it is */
	must(petrichor_written(&w, &all) > 0 || w.used > 0, "error %d", w.error);
	char *exact = malloc(w.used + 1);
	must(exact, "%zu bytes", w.used);
	petrichor_writer_init(&w, exact, w.used);
	put_all(&w, b, n, allow);
	must(petrichor_written(&w, &all) > 0 && all.bytes == exact, "error %d", w.error);
	add(t, all.bytes, all.size);
	free(exact);
}
