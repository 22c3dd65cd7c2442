/*
 * In whatever portions a stream arrives, the same frames come out of it, and it
 * ends the same way at the same place.
 */

#include "support.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	petrichor_options o = petrichor_stream_options;
	text whole = {NULL, 0, 0};
	if (n == 0)
		return 0;
	o.allow = data[0] & 15u;
	o.max_frame = data[0] & 16u ? 64 : SIZE_MAX;
	const char *b = (const char *)data + 1;
	verdict want = all_frames(b, --n, 0, &o, &whole);
	size_t portions[] = {1, 1u + data[0] % 31u, n + 1};
	for (size_t i = 0; i < sizeof portions / sizeof *portions; i++) {
		text frames = {NULL, 0, 0};
		verdict got = all_frames(b, n, portions[i], &o, &frames);
		must(same(got, want), "by %zu: %d at %d, want %d at %d", portions[i], got.got, (int)got.at, want.got, (int)want.at);
		must(frames.size == whole.size && (frames.size == 0 || memcmp(frames.bytes, whole.bytes, frames.size) == 0),
			"by %zu: other frames", portions[i]);
		free(frames.bytes);
	}
	free(whole.bytes);
	return 0;
}
