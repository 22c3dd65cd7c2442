#ifndef PETRICHOR_H
#define PETRICHOR_H

/*
 * petrichor: HEADER,BODY pairs of tnetstrings over any byte stream, in C99.
 *
 * An element is its size, a colon, a payload of that many bytes, and a tag:
 *
 *	5:hello,      size 5, payload "hello", tag ',' (a string)
 *
 * A frame is two elements in a row, a header, which is a dict, and a body:
 *
 *	21:2:op,4:ping,2:id,1:7#}5:hello,
 *
 * Four parts, each usable without those after it:
 *
 *	read    petrichor_cut, petrichor_check, petrichor_walk: bytes the caller
 *	        holds.  What is found points into them; nothing is copied.
 *	feed    petrichor_reader: bytes that arrive in any portions, without I/O
 *	write   petrichor_writer: elements into the caller's buffer
 *	talk    petrichor_conn: frames over sockets, blocking, with deadlines
 *
 * What functions return:
 *
 *	> 0     done; where bytes are consumed, how many
 *	0       short: more bytes are needed, or there is no more to walk over
 *	< 0     one of enum petrichor_error; petrichor_explain names it
 *
 * `at`, where a function takes it, may be NULL.  With an error it is the offset
 * of the byte that decided it; with short it is how many bytes there have to be
 * before another try is worth it.
 *
 * Nothing here keeps state of its own: two threads may call anything, but not
 * with the same reader, writer or connection.
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PETRICHOR_VERSION "0.1.0"

enum petrichor_error {
	PETRICHOR_SHORT = 0,         /* more bytes are needed: an answer, not a fault */
	PETRICHOR_SIZE = -1,         /* malformed size */
	PETRICHOR_KIND = -2,         /* unknown tag */
	PETRICHOR_PAYLOAD = -3,      /* payload does not match its tag */
	PETRICHOR_KEY = -4,          /* dict key is not a string */
	PETRICHOR_DUPLICATE = -5,    /* duplicate dict key */
	PETRICHOR_TOO_LARGE = -6,    /* element larger than the limit */
	PETRICHOR_TOO_DEEP = -7,     /* nesting deeper than the limit */
	PETRICHOR_TOO_MANY = -8,     /* more values than the limit */
	PETRICHOR_TRAILING = -9,     /* bytes after the element */
	PETRICHOR_HEADER = -10,      /* frame header is not a dict */
	PETRICHOR_MEMORY = -11,      /* no memory */
	PETRICHOR_ROOM = -12,        /* the writer's buffer is too small */
	PETRICHOR_TYPE = -13,        /* element of another kind than asked for */
	PETRICHOR_RANGE = -14,       /* number out of range */
	PETRICHOR_CLOSED = -15,      /* the stream ended between frames */
	PETRICHOR_CUT_OFF = -16,     /* the stream ended inside a frame */
	PETRICHOR_TIMEOUT = -17,     /* the deadline passed */
	PETRICHOR_SYSTEM = -18,      /* a system call failed; errno says why */
	PETRICHOR_UNKNOWN_HOST = -19, /* no address for host and port */
	PETRICHOR_NOT_ALLOWED = -20, /* recv from a peer that has not been allowed */
	PETRICHOR_BROKEN = -21       /* a frame was sent in part: the connection is of no more use */
};

/* petrichor_explain returns what an error is, in a few words. */
const char *petrichor_explain(int error);

/* ---- Options ---------------------------------------------------------------- */

/*
 * A petrichor_resize allocates (old is NULL), resizes, or frees (size is 0) as
 * realloc and free do, and returns NULL when it cannot.  owner is that of the
 * options.
 */
typedef void *petrichor_resize(void *owner, void *old, size_t size);

/* What can be accepted beyond the standard; or them together. */
enum petrichor_allow {
	PETRICHOR_ALLOW_TEXT = 1,       /* the tag ; for UTF-8 text, which mitmproxy writes */
	PETRICHOR_ALLOW_DUPLICATES = 2, /* a dict may have a key twice */
	PETRICHOR_ALLOW_LOOSE = 4,      /* +5, 05, -0; .5, 5., +1.5, 00.5; leading zeros in a size */
	PETRICHOR_ALLOW_NONFINITE = 8   /* inf, infinity and nan as floats, in any case, with a sign */
};

/*
 * petrichor_options are limits and leniencies.  NULL means the defaults, of which
 * there are two: the first for a buffer, whose bytes the caller holds already, the
 * second for a stream (a reader or a connection).  Copy one of them and change
 * that; in options that are all zero every limit is zero.
 */
typedef struct petrichor_options {
	size_t max_header; /* bytes of payload of a frame's header: 999,999,999; 65,536 */
	size_t max_size;   /* bytes of payload of any other outer element: 999,999,999; 1,048,576 */
	size_t max_frame;  /* bytes of a frame, of its header and its body's payload: no limit */
	size_t max_depth;  /* lists and dicts inside one another: 100; at most 10,000 */
	size_t max_values; /* elements in one that is checked, keys counted: no limit; 65,536 */
	unsigned allow;    /* of enum petrichor_allow: nothing */
	int timeout;       /* milliseconds for a call on a connection: 20,000; below zero: no end */
	petrichor_resize *resize; /* NULL: realloc and free */
	void *owner;
} petrichor_options;

extern const petrichor_options petrichor_buffer_options;
extern const petrichor_options petrichor_stream_options;

/* ---- Reading ---------------------------------------------------------------- */

/* What an element is, held as the tag that ends it. */
enum petrichor_kind {
	PETRICHOR_NULL = '~',   /* no value; the payload is empty */
	PETRICHOR_BOOL = '!',   /* true or false */
	PETRICHOR_INT = '#',    /* decimal integer, of any size up to 400 bytes */
	PETRICHOR_FLOAT = '^',  /* decimal floating point, up to 400 bytes */
	PETRICHOR_STRING = ',', /* bytes, no encoding implied */
	PETRICHOR_LIST = ']',   /* elements, one after another */
	PETRICHOR_DICT = '}',   /* key and value elements in turn; keys are strings */
	PETRICHOR_TEXT = ';'    /* UTF-8 text, only with PETRICHOR_ALLOW_TEXT */
};

/* petrichor_kind_name returns the English name of a kind, such as "dict". */
const char *petrichor_kind_name(int kind);

/* An element cut open.  payload points into the caller's bytes. */
typedef struct petrichor_element {
	const char *payload;
	size_t size; /* bytes of payload */
	int kind;    /* of enum petrichor_kind */
} petrichor_element;

/* A whole element as bytes, or whatever the caller says is one. */
typedef struct petrichor_raw {
	const char *bytes;
	size_t size;
} petrichor_raw;

typedef struct petrichor_frame {
	petrichor_raw header; /* a dict */
	petrichor_raw body;   /* any element */
} petrichor_frame;

/*
 * petrichor_cut finds the first element of b[0..n) and returns how many bytes
 * it has.  It looks at the size and the tag only: what is inside a list or a
 * dict, and whether a number is one, is for petrichor_check.
 */
ptrdiff_t petrichor_cut(const char *b, size_t n, const petrichor_options *o,
	petrichor_element *el, size_t *at);

/*
 * petrichor_cut_frame finds the first frame of b[0..n) and returns how many
 * bytes it has.  It looks at two sizes and two tags.
 */
ptrdiff_t petrichor_cut_frame(const char *b, size_t n, const petrichor_options *o,
	petrichor_frame *f, size_t *at);

/*
 * petrichor_check returns n if b[0..n) is exactly one element, well formed all
 * the way down: limits, numbers, keys that are strings and differ.  el may be
 * NULL.
 *
 * It takes 12 KiB of stack, does not recurse, and allocates by resize, freed
 * before it returns, in two cases:
 *
 *	beyond 100 levels: about 200 bytes a level
 *	in a dict of more than 64 keys in no order: 16 bytes a key
 *
 * Keys in ascending order are compared with the one before; those in no order are
 * sorted on the side, in time n log n whatever they are: there is no hash to
 * attack.
 */
ptrdiff_t petrichor_check(const char *b, size_t n, const petrichor_options *o,
	petrichor_element *el, size_t *at);

/*
 * A petrichor_walk goes over what is inside a list or a dict:
 *
 *	petrichor_walk w = petrichor_inside(&list, NULL);
 *	while ((got = petrichor_next(&w, &el)) > 0)
 *		...
 *
 * It is 0 at the end, and an error where an element is malformed or reaches
 * beyond its container; after petrichor_check it cannot be.  After an error the
 * walk is of no more use.  Inside what is no container there is nothing.
 */
typedef struct petrichor_walk {
	const char *at, *end; /* what is left */
	unsigned allow;
} petrichor_walk;

petrichor_walk petrichor_inside(const petrichor_element *container, const petrichor_options *o);
int petrichor_next(petrichor_walk *w, petrichor_element *el);
int petrichor_next_entry(petrichor_walk *w, petrichor_element *key, petrichor_element *value);

/*
 * petrichor_get finds the value of a key, the last of them where there are several:
 * > 0; 0 if the dict has none; PETRICHOR_TYPE for what is no dict; or the error of a
 * walk over all of it.  Only > 0 changes *value.
 */
int petrichor_get(const petrichor_element *dict, const char *key, petrichor_element *value);

/* petrichor_is tells whether el is a string (or a text) that spells s. */
int petrichor_is(const petrichor_element *el, const char *s);

/*
 * These read a scalar and return > 0, or PETRICHOR_TYPE, PETRICHOR_RANGE,
 * PETRICHOR_PAYLOAD, or PETRICHOR_TOO_LARGE beyond 400 bytes.  An int is a double too.  What overflows a double is
 * PETRICHOR_RANGE, what is too small for one is zero.
 */
int petrichor_to_bool(const petrichor_element *el, int *v);
int petrichor_to_int(const petrichor_element *el, int64_t *v);
int petrichor_to_uint(const petrichor_element *el, uint64_t *v);
int petrichor_to_double(const petrichor_element *el, double *v);

/* ---- Feeding ---------------------------------------------------------------- */

/*
 * A petrichor_reader turns bytes, fed to it in any portions, into elements and
 * frames:
 *
 *	petrichor_reader r;
 *	petrichor_reader_init(&r, NULL);
 *	while (... more bytes have come ...) {
 *		if ((got = petrichor_feed(&r, bytes, n)) < 0)
 *			break;
 *		while ((got = petrichor_read_frame(&r, &frame)) > 0)
 *			...
 *		if (got < 0)
 *			break;
 *	}
 *	petrichor_reader_free(&r);
 *
 * What it returns lies in its buffer and is valid until the next call with the
 * reader, which overwrites its first byte so that one who keeps it too long sees
 * it.  Like petrichor_cut it looks at the outer layer only.
 *
 * The buffer grows by doubling as bytes arrive, never because of a size that was
 * announced, and never beyond twice what has arrived, or 4 KiB.  A size over the
 * limit is refused at its colon.
 *
 * An error is final: where the next element begins is not known any more, and
 * the reader returns the error again.  Only PETRICHOR_MEMORY is not: what was to
 * be fed was not, and can be fed again.
 */
typedef struct petrichor_reader {
	petrichor_options options;
	char *buf; /* handed out and dead, [0..lent); borrowed, ..next); unread, ..used); room */
	size_t lent, next, used, room;
	uint64_t base;   /* offset in the stream of buf[0] */
	size_t need;     /* after short: how many unread bytes the next try needs */
	uint64_t offset; /* after an error: of the byte that decided it, in the stream */
	int error;
} petrichor_reader;

void petrichor_reader_init(petrichor_reader *r, const petrichor_options *o);
void petrichor_reader_free(petrichor_reader *r);

/* petrichor_feed adds a copy of b[0..n): > 0, or PETRICHOR_MEMORY. */
int petrichor_feed(petrichor_reader *r, const char *b, size_t n);

/* petrichor_room returns place for *n > 0 bytes; petrichor_filled feeds n put there. */
char *petrichor_room(petrichor_reader *r, size_t *n);
void petrichor_filled(petrichor_reader *r, size_t n);

/* These return > 0, 0 when more has to be fed, or an error. */
int petrichor_read_element(petrichor_reader *r, petrichor_raw *raw);
int petrichor_read_frame(petrichor_reader *r, petrichor_frame *f);

/*
 * petrichor_buffered returns how many bytes have been fed and not handed out.
 * At the end of a stream a number above zero means that it ended inside a frame.
 */
size_t petrichor_buffered(const petrichor_reader *r);

/* ---- Writing ---------------------------------------------------------------- */

/*
 * A petrichor_writer writes elements into the caller's buffer, from its end to
 * its beginning, since the size of an element stands in front of its payload:
 * what is written last comes first.  The frame above is
 *
 *	petrichor_writer w;
 *	petrichor_writer_init(&w, buffer, sizeof buffer);
 *	petrichor_put_string(&w, "hello");              the body
 *	size_t mark = petrichor_begin(&w, PETRICHOR_DICT);
 *	petrichor_put_int(&w, 7);                       last value
 *	petrichor_put_string(&w, "id");                 last key
 *	petrichor_put_string(&w, "ping");
 *	petrichor_put_string(&w, "op");
 *	petrichor_end(&w, mark);
 *	petrichor_raw frame;
 *	int got = petrichor_written(&w, &frame);
 *
 * Nothing has to be asked before petrichor_written: the first error is kept, and
 * in a buffer too small the writing goes on without effect and is counted, so
 * that `used` says how large the buffer has to be.
 */
typedef struct petrichor_writer {
	char *buf;
	size_t room; /* bytes of buf */
	size_t used; /* bytes written, or that would have been */
	int error;
} petrichor_writer;

void petrichor_writer_init(petrichor_writer *w, char *buf, size_t room);

/* petrichor_written returns > 0 and the bytes written, which lie in the buffer's end, or an error. */
int petrichor_written(const petrichor_writer *w, petrichor_raw *all);

void petrichor_put_null(petrichor_writer *w);
void petrichor_put_bool(petrichor_writer *w, int v);
void petrichor_put_int(petrichor_writer *w, int64_t v);
void petrichor_put_uint(petrichor_writer *w, uint64_t v);
void petrichor_put_string(petrichor_writer *w, const char *s); /* up to its NUL */
void petrichor_put_bytes(petrichor_writer *w, const char *b, size_t n);

/*
 * petrichor_put_double writes the shortest digits that read back as v, always
 * with a point, and without an exponent below 1e21.  Infinities and NaN are
 * PETRICHOR_RANGE.
 */
void petrichor_put_double(petrichor_writer *w, double v);

/* petrichor_put writes an element of any kind with a payload that is not checked. */
void petrichor_put(petrichor_writer *w, int kind, const char *payload, size_t size);

/* petrichor_put_raw writes one whole element, which is checked all the way down. */
void petrichor_put_raw(petrichor_writer *w, petrichor_raw raw, const petrichor_options *o);

/* A list or a dict is what is written between petrichor_begin and petrichor_end. */
size_t petrichor_begin(petrichor_writer *w, int kind);
void petrichor_end(petrichor_writer *w, size_t mark);

/* ---- Talking ---------------------------------------------------------------- */

#ifndef PETRICHOR_NO_SOCKETS

/*
 * A petrichor_conn sends and receives frames on one socket.  A connection begins
 * with one frame each way, the first frames:
 *
 *	peer that connects                    peer that accepts
 *	connect  ---- who I am ------------>  accept
 *	         <--- allowed: true --------  allow, or deny
 *	send     ---- HEADER,BODY --------->  recv
 *	recv     <--- HEADER,BODY ----------  send
 *
 * Each call waits until it is done or `timeout` of the options is over, however
 * much trickles in meanwhile; 0 takes what is there and does not wait.  A receipt
 * that timed out can be tried again; a frame that was sent in part cannot, and
 * the connection is broken.  Signals
 * that interrupt are waited through, and SIGPIPE is not raised.
 */
typedef struct petrichor_conn {
	int fd;      /* -1 when closed */
	int waiting; /* the first frames have not both been exchanged */
	int broken;
	petrichor_reader reader;
} petrichor_conn;

/* petrichor_open makes c a connection on fd, a connected stream socket, which it then owns. */
void petrichor_open(petrichor_conn *c, int fd, const petrichor_options *o);

/* petrichor_close frees what c has.  It may be called twice. */
void petrichor_close(petrichor_conn *c);

/*
 * petrichor_connect opens a connection to a host, sends the first frame, and
 * receives the answer, which is borrowed until the next call.  Being denied is
 * not an error: ask petrichor_allowed.  After an error c is closed.  Names are
 * looked up by getaddrinfo, which knows no deadline.
 */
int petrichor_connect(petrichor_conn *c, const char *host, const char *port,
	petrichor_frame hello, petrichor_frame *answer, const petrichor_options *o);

/* petrichor_listen returns a listening socket, or an error; port "0" is any free one. */
int petrichor_listen(const char *host, const char *port);

/*
 * petrichor_accept opens a connection on fd, one that accept() returned, and
 * receives the peer's first frame, which may have 16 KiB.  Answer with
 * petrichor_allow or petrichor_deny; until the first nothing more is received.
 * After an error c is closed.  An fd of -1 is PETRICHOR_SYSTEM, errno being that
 * of accept().
 */
int petrichor_accept(petrichor_conn *c, int fd, petrichor_frame *first, const petrichor_options *o);

/*
 * These answer a first frame with header, in which "allowed" becomes true or
 * false and no key may be twice, and body.  Say something of your own: who sends
 * first frames back helps strangers to reach others.  Close the connection after a
 * denial.
 */
int petrichor_allow(petrichor_conn *c, petrichor_frame answer);
int petrichor_deny(petrichor_conn *c, petrichor_frame answer);

/*
 * petrichor_allowed tells whether the answer to a first frame lets us in: whether
 * its key "allowed" is true, or absent.  A header that is malformed, or has
 * something else there, does not.
 */
int petrichor_allowed(petrichor_raw header, const petrichor_options *o);

/*
 * petrichor_send sends one frame, whose halves are checked all the way down:
 * nothing is sent that is malformed, or deeper than max_depth.  A half whose bytes
 * are NULL is the empty dict, or null.
 */
int petrichor_send(petrichor_conn *c, petrichor_frame f);

/*
 * petrichor_recv receives one frame, which is borrowed until the next call with
 * the reader.  Only its outer layer has been looked at; petrichor_check the
 * halves before relying on what is inside.  PETRICHOR_CLOSED is the end.
 */
int petrichor_recv(petrichor_conn *c, petrichor_frame *f);

/* petrichor_request sends one frame and receives the next. */
int petrichor_request(petrichor_conn *c, petrichor_frame f, petrichor_frame *reply);

#endif

#ifdef __cplusplus
}
#endif

#endif
