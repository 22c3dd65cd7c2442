/*
 * Prints the nanoseconds a frame takes: bench OPERATION COUNT, where an
 * operation is cut, check, feed or write; without arguments, all of them.
 */

#define _DEFAULT_SOURCE
#include "../petrichor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The frame of the benchmark in Go beside it: a header of six entries. */
static const char frame[] =
	"98:2:id,5:12345#2:op,3:get,4:path,18:/users/42/settings,4:user,5:alice,7:version,1:2#5:debug,5:false!}"
	"43:the quick brown fox jumps over the lazy dog,";
enum { SIZE = sizeof frame - 1 };

static long sum; /* so that nothing is left out for want of use */

static void cut(long n)
{
	petrichor_frame f;
	while (n-- > 0)
		sum += petrichor_cut_frame(frame, SIZE, NULL, &f, NULL);
}

static void check(long n)
{
	petrichor_frame f;
	while (n-- > 0) {
		petrichor_cut_frame(frame, SIZE, NULL, &f, NULL);
		sum += petrichor_check(f.header.bytes, f.header.size, NULL, NULL, NULL);
		sum += petrichor_check(f.body.bytes, f.body.size, NULL, NULL, NULL);
	}
}

static void feed(long n)
{
	petrichor_reader r;
	petrichor_frame f;
	petrichor_reader_init(&r, NULL);
	while (n-- > 0) {
		petrichor_feed(&r, frame, SIZE);
		sum += petrichor_read_frame(&r, &f);
	}
	petrichor_reader_free(&r);
}

static void write_frame(long n)
{
	char room[512];
	petrichor_writer w;
	petrichor_raw all;
	while (n-- > 0) {
		petrichor_writer_init(&w, room, sizeof room);
		petrichor_put_bytes(&w, "the quick brown fox jumps over the lazy dog", 43);
		size_t mark = petrichor_begin(&w, PETRICHOR_DICT);
		petrichor_put_bool(&w, 0);
		petrichor_put_bytes(&w, "debug", 5);
		petrichor_put_int(&w, 2);
		petrichor_put_bytes(&w, "version", 7);
		petrichor_put_bytes(&w, "alice", 5);
		petrichor_put_bytes(&w, "user", 4);
		petrichor_put_bytes(&w, "/users/42/settings", 18);
		petrichor_put_bytes(&w, "path", 4);
		petrichor_put_bytes(&w, "get", 3);
		petrichor_put_bytes(&w, "op", 2);
		petrichor_put_int(&w, 12345);
		petrichor_put_bytes(&w, "id", 2);
		petrichor_end(&w, mark);
		sum += petrichor_written(&w, &all);
		if (all.size != SIZE || memcmp(all.bytes, frame, SIZE) != 0)
			abort();
	}
}

static double nanoseconds(void (*run)(long), long n)
{
	struct timespec from, to;
	clock_gettime(CLOCK_MONOTONIC, &from);
	run(n);
	clock_gettime(CLOCK_MONOTONIC, &to);
	return ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / (double)n;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(long);
	} all[] = {{"cut", cut}, {"check", check}, {"feed", feed}, {"write", write_frame}};
	long n = argc > 2 ? atol(argv[2]) : 2000000;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (argc < 2 || strcmp(argv[1], all[i].name) == 0)
			printf("%s %.1f\n", all[i].name, nanoseconds(all[i].run, n));
	return sum == 0;
}
