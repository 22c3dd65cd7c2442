/*
 * Answers the first frame of each peer, and then sends every frame back; one
 * peer at a time.  A peer whose header has an entry deny is denied.
 *
 *	echo_server [HOST [PORT]]
 */

#include <petrichor.h>

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int is_welcome(petrichor_raw header)
{
	petrichor_element dict, value;
	if (petrichor_check(header.bytes, header.size, &petrichor_stream_options, &dict, NULL) <= 0)
		return 0;
	return petrichor_get(&dict, "deny", &value) == 0;
}

static int serve(petrichor_conn *c, petrichor_frame f)
{
	if (!is_welcome(f.header))
		return petrichor_deny(c, f);
	int got = petrichor_allow(c, f);
	while (got > 0 && (got = petrichor_recv(c, &f)) > 0)
		got = petrichor_send(c, f);
	return got;
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
		return fprintf(stderr, "echo_server: %s\n", petrichor_explain(listener)), 1;
	printf("listening on %s:%d\n", host, port_of(listener));
	fflush(stdout);
	for (;;) {
		petrichor_conn c;
		petrichor_frame first;
		int got = petrichor_accept(&c, accept(listener, NULL, NULL), &first, NULL);
		if (got > 0)
			got = serve(&c, first);
		if (got < 0 && got != PETRICHOR_CLOSED)
			fprintf(stderr, "echo_server: %s\n", petrichor_explain(got));
		petrichor_close(&c);
	}
}
