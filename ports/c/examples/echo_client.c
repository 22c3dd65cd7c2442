/*
 * Connects, sends each TEXT as the body of a frame (- is stdin, up to 1 MiB), and
 * prints the bodies that come back.  With --deny it asks to be denied.
 *
 *	echo_client [--deny] HOST PORT TEXT...
 */

#include <petrichor.h>

#include <stdio.h>
#include <string.h>

enum { MOST = 1 << 20 };

/* request sends a text, or what is on stdin, and prints what comes back. */
static int request(petrichor_conn *c, const char *text)
{
	static char in[MOST], room[MOST + 16];
	size_t n = strcmp(text, "-") ? strlen(text) : fread(in, 1, MOST, stdin);
	petrichor_writer w;
	petrichor_frame f = {{NULL, 0}, {NULL, 0}}, reply;
	petrichor_element body;
	petrichor_writer_init(&w, room, sizeof room);
	petrichor_put(&w, PETRICHOR_STRING, strcmp(text, "-") ? text : in, n);
	int got = petrichor_written(&w, &f.body);
	if (got > 0)
		got = petrichor_request(c, f, &reply);
	if (got > 0 && petrichor_cut(reply.body.bytes, reply.body.size, NULL, &body, NULL) > 0) {
		fwrite(body.payload, 1, body.size, stdout);
		putchar('\n');
	}
	return got;
}

static int run(petrichor_conn *c, int argc, char **argv)
{
	static const char plain[] = "19:4:from,9:echo in C,}", denied[] = "33:4:deny,4:true!4:from,9:echo in C,}";
	const int deny = argc > 3 && strcmp(argv[1], "--deny") == 0;
	const petrichor_frame hello = {{deny ? denied : plain, deny ? sizeof denied - 1 : sizeof plain - 1}, {NULL, 0}};
	petrichor_frame answer;
	int got = petrichor_connect(c, argv[deny + 1], argv[deny + 2], hello, &answer, NULL);
	if (got > 0 && !petrichor_allowed(answer.header, NULL))
		got = PETRICHOR_NOT_ALLOWED;
	for (int i = deny + 3; got > 0 && i < argc; i++)
		got = request(c, argv[i]);
	return got;
}

int main(int argc, char **argv)
{
	petrichor_conn c;
	if (argc < 3)
		return fprintf(stderr, "usage: echo_client [--deny] HOST PORT TEXT...\n"), 2;
	int got = run(&c, argc, argv);
	petrichor_close(&c);
	if (got < 0)
		return fprintf(stderr, "echo_client: %s\n", petrichor_explain(got)), 1;
	return 0;
}
