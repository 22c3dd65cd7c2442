/*
 * An echo server fit for hostile peers, for `petrichor conform` to attack: a
 * process for each connection, so that none waits for another, a limit of their
 * number, and a deadline for each of what petrichor_options has one for all.
 *
 *	server [HOST [PORT [FIRST FRAME NEXT WRITE]]]
 *
 * The deadlines are milliseconds: for a first frame, for a frame that has begun,
 * for the next one to begin, and for a peer that does not read.  A peer whose
 * header has an entry deny is denied.
 */

#include <petrichor.h>

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_CONNS = 256 };

static struct {
	int first, frame, next, write;
} deadline = {5000, 30000, 120000, 10000};

static const petrichor_frame nothing; /* 0:}0:~ */

static int is_welcome(petrichor_raw header)
{
	petrichor_element dict, value;
	if (petrichor_check(header.bytes, header.size, &petrichor_stream_options, &dict, NULL) <= 0)
		return 0;
	return petrichor_get(&dict, "deny", &value) == 0;
}

/* begins waits for the next frame's first byte, which may have come with the last one. */
static int begins(petrichor_conn *c)
{
	struct pollfd p = {c->fd, POLLIN, 0};
	return petrichor_buffered(&c->reader) > 0 || poll(&p, 1, deadline.next) > 0;
}

static int receive(petrichor_conn *c, petrichor_frame *f)
{
	c->reader.options.timeout = deadline.frame;
	return begins(c) ? petrichor_recv(c, f) : PETRICHOR_TIMEOUT;
}

static void echo(petrichor_conn *c)
{
	petrichor_frame f;
	while (receive(c, &f) > 0) {
		c->reader.options.timeout = deadline.write;
		if (petrichor_send(c, f) <= 0)
			return;
	}
}

/* serve answers with its own words: who mirrors first frames helps strangers to reach others. */
static void serve(int fd)
{
	petrichor_options o = petrichor_stream_options;
	petrichor_conn c;
	petrichor_frame first;
	o.timeout = deadline.first;
	if (petrichor_accept(&c, fd, &first, &o) <= 0)
		return;
	c.reader.options.timeout = deadline.write;
	if (!is_welcome(first.header))
		petrichor_deny(&c, nothing);
	else if (petrichor_allow(&c, nothing) > 0)
		echo(&c);
	petrichor_close(&c);
}

/* still_running forgets the processes that have ended. */
static int still_running(int n)
{
	while (n > 0 && waitpid(-1, NULL, WNOHANG) > 0)
		n--;
	return n;
}

/* hand_over returns how many processes there are more. */
static int hand_over(int listener, int fd)
{
	pid_t child = fork();
	if (child == 0) {
		close(listener);
		serve(fd);
		_exit(0);
	}
	return child > 0;
}

static int port_of(int listener)
{
	struct sockaddr_in at; /* the port is where that of an IPv6 address is, too */
	socklen_t size = sizeof at;
	getsockname(listener, (struct sockaddr *)&at, &size);
	return ntohs(at.sin_port);
}

int main(int argc, char **argv)
{
	const char *host = argc > 1 ? argv[1] : "127.0.0.1";
	int listener = petrichor_listen(host, argc > 2 ? argv[2] : "7670");
	if (listener < 0)
		return fprintf(stderr, "server: %s\n", petrichor_explain(listener)), 1;
	if (argc > 6) {
		deadline.first = atoi(argv[3]);
		deadline.frame = atoi(argv[4]);
		deadline.next = atoi(argv[5]);
		deadline.write = atoi(argv[6]);
	}
	printf("listening on %s:%d\n", host, port_of(listener));
	fflush(stdout);
	for (int running = 0;;) {
		int fd = accept(listener, NULL, NULL);
		running = still_running(running);
		if (fd >= 0 && running < MAX_CONNS)
			running += hand_over(listener, fd);
		if (fd >= 0)
			close(fd);
		else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
			poll(NULL, 0, 10); /* until somebody leaves */
	}
}
