package dedupe

import (
	"testing"

	"github.com/petrichor-protocol/petrichor"
)

// Two requests are the same whatever order their headers are in, and whatever their ids.
func TestDigest(t *testing.T) {
	of := func(header, body string) Digest {
		sum, err := digest(petrichor.Frame{Header: petrichor.Raw(header), Body: petrichor.Raw(body)})
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	one := of("21:2:op,1:x,4:once,2:k1,}", "1:y,")
	for _, same := range []string{"21:4:once,2:k1,2:op,1:x,}", "30:4:once,2:k1,2:id,1:7#2:op,1:x,}"} {
		if of(same, "1:y,") != one {
			t.Errorf("%s is another request", same)
		}
	}
	for _, other := range []string{"21:2:op,1:y,4:once,2:k1,}", "21:2:oq,1:x,4:once,2:k1,}", "12:4:once,2:k1,}"} {
		if of(other, "1:y,") == one {
			t.Errorf("%s is the same request", other)
		}
	}
	if of("21:2:op,1:x,4:once,2:k1,}", "1:z,") == one {
		t.Error("another body is the same request")
	}
}
