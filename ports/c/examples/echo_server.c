/*
 * echo_server [HOST [PORT]] answers the first frame of each peer, and then sends every
 * frame back; one peer at a time.  A peer whose header has an entry deny is denied.
 */

#include <petrichor.h>

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

static const petrichor_frame nothing; /* 0:}0:~ */

static int is_welcome(petrichor_raw header)
{
	petrichor_element dict, value;
	return petrichor_check(header.bytes, header.size, &petrichor_stream_options, &dict, NULL) > 0 &&
		petrichor_get(&dict, "deny", &value) == 0;
}

static int serve(petrichor_conn *c, petrichor_frame f)
{
	if (!is_welcome(f.header))
		return petrichor_deny(c, nothing);
	int got = petrichor_allow(c, nothing);
	while (got > 0 && (got = petrichor_recv(c, &f)) > 0)
		got = petrichor_send(c, f);
	return got;
}

static int port_of(int listener)
{
	struct sockaddr_in at; /* the port is where that of an IPv6 address is, too */
	getsockname(listener, (struct sockaddr *)&at, &(socklen_t){sizeof at});
	return ntohs(at.sin_port);
}

int main(int argc, char **argv)
{
	const char *host = argc > 1 ? argv[1] : "127.0.0.1";
	int listener = petrichor_listen(host, argc > 2 ? argv[2] : "7670"), got;
	petrichor_conn c;
	petrichor_frame first;
	if (listener < 0)
		return fprintf(stderr, "echo_server: %s\n", petrichor_explain(listener)), 1;
	printf("listening on %s:%d\n", host, port_of(listener));
	fflush(stdout);
	for (;;) {
		got = petrichor_accept(&c, accept(listener, NULL, NULL), &first, NULL);
		if (got > 0)
			got = serve(&c, first);
		if (got == PETRICHOR_SYSTEM)
			poll(NULL, 0, 10); /* maybe too many files are open */
		if (got < 0 && got != PETRICHOR_CLOSED)
			fprintf(stderr, "echo_server: %s\n", petrichor_explain(got));
		petrichor_close(&c);
	}
}
