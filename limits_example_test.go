package petrichor_test

import (
	"fmt"
	"strings"

	"github.com/petrichor-protocol/petrichor"
)

// What hostile peers send, and what becomes of it.
func Example_limits() {
	deep := "0:]"
	for range 200 {
		deep = fmt.Sprintf("%d:%s]", len(deep), deep)
	}
	many := strings.Repeat("0:~", 100_000)
	for _, sent := range []string{
		"999999999:there is not more than this",
		deep,
		fmt.Sprintf("%d:%s]", len(many), many),
		"16:1:a,1:1#1:a,1:2#}",
		"05:hello,",
		"8:9:hello,]",
	} {
		var v any
		err := petrichor.NewDecoder(strings.NewReader(sent)).Decode(&v)
		fmt.Printf("%-20.20s %.110v\n", sent, err)
	}

	// Each limit is an option.
	var v any
	err := petrichor.NewDecoder(strings.NewReader(deep), petrichor.MaxDepth(201)).Decode(&v)
	fmt.Println("deeper, where it is allowed:", err)
	// Output:
	// 999999999:there is n petrichor: element larger than the limit at offset 9
	// 970:965:960:955:950: petrichor: nesting deeper than the limit (MaxDepth is 100) at offset 404 in /0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0
	// 300000:0:~0:~0:~0:~0 petrichor: more values than the limit (MaxValues is 65536) at offset 196614 in /65535
	// 16:1:a,1:1#1:a,1:2#} petrichor: duplicate dict key at offset 13 in /a
	// 05:hello,            petrichor: malformed size (found '5', want at most 9 digits without a leading zero, then a colon) at offset 1
	// 8:9:hello,]          petrichor: malformed size (reaches beyond its container) at offset 2 in /0
	// deeper, where it is allowed: <nil>
}
