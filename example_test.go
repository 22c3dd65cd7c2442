package petrichor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strings"

	"github.com/petrichor-protocol/petrichor"
)

type user struct {
	Name string   `tnet:"name"`
	Age  int      `tnet:"age,omitempty"`
	Tags []string `tnet:"tags"`
}

func ExampleMarshal() {
	b, err := petrichor.Marshal(user{Name: "zed", Age: 37, Tags: []string{"a", "b"}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", b)
	// Output: 42:4:name,3:zed,3:age,2:37#4:tags,8:1:a,1:b,]}
}

func ExampleUnmarshal() {
	var u user
	if err := petrichor.Unmarshal([]byte("24:4:name,3:zed,3:age,2:37#}"), &u); err != nil {
		log.Fatal(err)
	}
	fmt.Println(u.Name, u.Age)
	// Output: zed 37
}

// An error says what is wrong, at which byte, and in which value.
func ExampleUnmarshal_errors() {
	var u user
	err := petrichor.Unmarshal([]byte("23:4:name,3:zed,4:name,0:,}"), &u)
	fmt.Println(err)
	fmt.Println(errors.Is(err, petrichor.ErrDuplicate), u.Name == "")

	err = petrichor.Unmarshal([]byte("23:4:name,3:zed,3:age,1:x,}"), &u)
	fmt.Println(err)
	// Output:
	// petrichor: duplicate dict key at offset 18 in /name
	// true true
	// petrichor: cannot unmarshal string into Go type int at offset 24 in /age
}

// A server looks at the id and hands the rest on unread.
func ExampleRaw_Get() {
	header := petrichor.Raw("39:2:id,2:42#2:op,3:put,4:args,8:1:a,1:b,]}")
	id, err := header.Get("id")
	fmt.Printf("%s %v\n", id, err)

	missing, err := header.Get("user")
	fmt.Println(missing == nil, err)

	_, err = petrichor.Raw("20:2:id,2:42#2:id,2:43#}").Get("id")
	fmt.Println(err)
	// Output:
	// 2:42# <nil>
	// true <nil>
	// petrichor: duplicate dict key at offset 15 in /id
}

func ExampleRaw_Entries() {
	header := petrichor.Raw("39:2:id,2:42#2:op,3:put,4:args,8:1:a,1:b,]}")
	for e, err := range header.Entries() {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s %s\n", e.Key, e.Value)
	}
	// Output:
	// id 2:42#
	// op 3:put,
	// args 8:1:a,1:b,]
}

func ExampleRaw_Elements() {
	for tag, err := range petrichor.Raw("8:1:a,1:b,]").Elements() {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", tag)
	}
	// Output:
	// 1:a,
	// 1:b,
}

func ExampleCut() {
	el, rest, err := petrichor.Cut([]byte("5:hello,1:7#"))
	fmt.Println(el.Kind, string(el.Payload), string(rest), err)
	// Output: string hello 1:7# <nil>
}

func ExampleAppend() {
	b := petrichor.Append(nil, petrichor.KindString, []byte("hello"))
	b = petrichor.Append(b, petrichor.KindNull, nil)
	fmt.Printf("%s\n", b)
	// Output: 5:hello,0:~
}

func ExampleValid() {
	fmt.Println(petrichor.Valid([]byte("5:hello,")), petrichor.Valid([]byte("05:hello,")))
	// Output: true false
}

func ExampleAppendFrame() {
	b, err := petrichor.AppendFrame(nil, petrichor.Header{"user": "zed", "n": 1}, "hello")
	fmt.Printf("%s %v\n", b, err)
	// Output: 21:1:n,1:1#4:user,3:zed,}5:hello, <nil>
}

func ExampleCutFrame() {
	f, rest, err := petrichor.CutFrame([]byte("0:}5:hello,0:}"))
	fmt.Printf("%s %s %s %v\n", f.Header, f.Body, rest, err)
	_, _, err = petrichor.CutFrame(rest)
	fmt.Println(err == petrichor.ErrShort)
	// Output:
	// 0:} 5:hello, 0:} <nil>
	// true
}

// A Parser is for programs that get their bytes from somewhere else: an event
// loop, a callback, another protocol.
func ExampleParser() {
	var p petrichor.Parser
	for _, portion := range []string{"0:", "}5:hel", "lo,0:}", "1:7#"} {
		p.Feed([]byte(portion))
		for {
			f, err := p.Next()
			if err == petrichor.ErrShort {
				break
			}
			if err != nil {
				log.Fatal(err) // the peer does not speak petrichor: hang up
			}
			fmt.Printf("%s %s\n", f.Header, f.Body)
		}
	}
	// Output:
	// 0:} 5:hello,
	// 0:} 1:7#
}

func ExampleDecoder() {
	stream := strings.NewReader("24:4:name,3:zed,3:age,2:37#}14:4:name,4:brie,}")
	d := petrichor.NewDecoder(stream)
	for {
		var u user
		if err := d.Decode(&u); err == io.EOF {
			break
		} else if err != nil {
			log.Fatal(err)
		}
		fmt.Println(u.Name, u.Age, d.Offset())
	}
	// Output:
	// zed 37 28
	// brie 0 46
}

func ExampleEncoder() {
	e := petrichor.NewEncoder(os.Stdout)
	e.Encode([]any{"hello", 7, 0.5, true, nil})
	e.WriteFrame(nil, []byte{0x31, 0x32})
	// Output: 28:5:hello,1:7#3:0.5^4:true!0:~]0:}2:12,
}

// Bodies that are larger than memory go through as streams.
func ExampleDecoder_NextFrame() {
	var stream bytes.Buffer
	e := petrichor.NewEncoder(&stream)
	e.WriteFrameFrom(petrichor.Header{"file": "a.txt"}, 11, strings.NewReader("hello world"))

	d := petrichor.NewDecoder(&stream, petrichor.MaxSize(4<<30))
	header, body, err := d.NextFrame()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s announces %d bytes\n", header, body.Size())
	io.Copy(os.Stdout, body)
	// Output:
	// 15:4:file,5:a.txt,} announces 11 bytes
	// hello world
}

// Dict keeps the order of a real file; KeepOrder makes every dict one.
func ExampleKeepOrder() {
	b := []byte("16:1:z,1:1#1:a,1:2#}")
	var v any
	petrichor.Unmarshal(b, &v, petrichor.KeepOrder(true))
	for _, e := range v.(petrichor.Dict) {
		fmt.Print(e.Key, "=", e.Value, " ")
	}
	again, _ := petrichor.Marshal(v)
	fmt.Println(bytes.Equal(again, b))
	// Output: z=1 a=2 true
}

func Example_inline() {
	type event struct {
		Op   string         `tnet:"op"`
		More map[string]any `tnet:",inline"`
	}
	var e event
	petrichor.Unmarshal([]byte("21:2:op,3:put,3:key,1:k,}"), &e)
	fmt.Println(e.Op, e.More)
	// Output: put map[key:k]
}

// serve is a server: it allows those who say who they are, and echoes.
func serve(stream net.Conn) error {
	defer stream.Close()
	conn, first, err := petrichor.Accept(stream)
	if err != nil {
		return err
	}
	var hello struct {
		User string `tnet:"user"`
	}
	if err := petrichor.Unmarshal(first.Header, &hello); err != nil || hello.User == "" {
		return conn.Deny(petrichor.Header{"reason": "say who you are"}, nil)
	}
	err = conn.Allow(nil, "hello "+hello.User)
	for err == nil {
		var f petrichor.Frame
		if f, err = conn.Recv(); err == nil {
			err = conn.Send(f.Header, f.Body)
		}
	}
	return err
}

// call is a client: it connects, and makes one request.
func call(ctx context.Context, addr, user string) error {
	conn, answer, err := petrichor.Connect(ctx, "tcp", addr, petrichor.Header{"user": user}, nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	if !petrichor.Allowed(answer.Header) {
		return fmt.Errorf("denied: %s", answer.Header)
	}
	reply, err := conn.Request(petrichor.Header{"op": "echo"}, "is anybody there?")
	if err != nil {
		return err
	}
	fmt.Printf("%s %s\n", reply.Header, reply.Body)
	return nil
}

func Example_serverAndClient() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			stream, err := l.Accept()
			if err != nil {
				return
			}
			go serve(stream)
		}
	}()
	ctx := context.Background()
	fmt.Println(call(ctx, l.Addr().String(), "zed"))
	fmt.Println(call(ctx, l.Addr().String(), ""))
	// Output:
	// 12:2:op,4:echo,} 17:is anybody there?,
	// <nil>
	// denied: 46:7:allowed,5:false!6:reason,15:say who you are,}
}
