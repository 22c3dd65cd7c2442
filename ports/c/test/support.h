#ifndef SUPPORT_H
#define SUPPORT_H

/*
 * What the tests share: verdicts through each entrance, and what an element is
 * as one line, and written again.
 */

#include "../petrichor.h"

#include <stdio.h>
#include <stdlib.h>

enum { OK = 1 };

/* A verdict is what became of some bytes: OK and how many were taken, PETRICHOR_SHORT and
 * how many are needed, or an error and the byte that decided it. */
typedef struct verdict {
	int got;
	uint64_t at;
} verdict;

int same(verdict a, verdict b);

/* layer is what the vectors call what got says. */
const char *layer(int got);

/* checked checks b[0..n) as one element, and that its floats fit doubles. */
verdict checked(const char *b, size_t n, const petrichor_options *o);

/* cut_first cuts the first element of b[0..n). */
verdict cut_first(const char *b, size_t n, const petrichor_options *o);

/* read_first reads it through a reader that is fed so many bytes at a time. */
verdict read_first(const char *b, size_t n, size_t portion, const petrichor_options *o);

/* A text grows; it is what a line is made in. */
typedef struct text {
	char *bytes;
	size_t size, room;
} text;

void add(text *t, const char *b, size_t n);
void add_words(text *t, const char *s);

/* all_frames reads frames from b[0..n), portion by portion (0: from the buffer itself), checks both
 * halves of each, adds them to frames, and says what ended it: OK between frames. */
verdict all_frames(const char *b, size_t n, size_t portion, const petrichor_options *o, text *frames);

/* trace adds the elements of b[0..n), which are well formed, in one line; see spec/vectors. */
void trace(text *t, const char *b, size_t n, unsigned allow);

/* rewrite adds b[0..n), elements that are well formed, as this library would write them. */
void rewrite(text *t, const char *b, size_t n, unsigned allow);

/* must ends the program, NDEBUG or not. */
#define must(condition, ...) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition); \
			fprintf(stderr, __VA_ARGS__); \
			fputc('\n', stderr); \
			abort(); \
		} \
	} while (0)

#endif
