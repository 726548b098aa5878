// The plain MQTT library that Go programs use, without an SDK, behind the line protocol of ../README.md.
//
// main.go speaks that protocol, client.go keeps one client connected, talk.go is what it says and hears; hub.go holds what a device has to know
// about the hub: no more than the documentation tells.
package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
)

// request is any line of the runner.
type request struct {
	ID     int64
	Client string
	Do     string

	CA, ConnectionString, SAS, Host, Device, Module, ModelID, ServerName, Will string // connect
	KeepAlive, TokenSeconds, RenewSeconds                                      int
	Retry, Ordered                                                             *bool
	Clean                                                                      bool

	What    string // listen
	Names   []string
	Patch   json.RawMessage // report
	Message json.RawMessage // send: a message; settle: its name
	How     string
	Call    string // answer
	Status  int
	Payload json.RawMessage
}

// failure is what the runner is told when something went wrong.
type failure struct {
	Kind    string `json:"kind"`
	Status  int    `json:"status,omitempty"`
	Message string `json:"message"`
}

func (f *failure) Error() string { return f.Kind + ": " + f.Message }

func failed(kind, message string) error { return &failure{Kind: kind, Message: message} }

type object map[string]any

var output = struct {
	sync.Mutex
	*json.Encoder
}{Encoder: json.NewEncoder(os.Stdout)}

func say(line object) {
	output.Lock()
	defer output.Unlock()
	if err := output.Encode(line); err != nil {
		panic(err) // the hub sent what is no JSON, or the runner has gone
	}
}

func answer(id int64, value any, err error) {
	f, isFailure := err.(*failure)
	switch {
	case isFailure:
		say(object{"id": id, "error": f})
	case err != nil:
		say(object{"id": id, "error": &failure{Kind: "unknown", Message: err.Error()}})
	default:
		say(object{"id": id, "ok": value})
	}
}

// library tells the version that was compiled in.
func library() string {
	const path = "github.com/eclipse/paho.mqtt.golang"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == path {
				return "paho.mqtt.golang " + strings.TrimPrefix(module.Version, "v") + ", no SDK"
			}
		}
	}
	return "paho.mqtt.golang, no SDK"
}

func main() {
	output.SetEscapeHTML(false)
	say(object{"hello": object{"language": "go", "sdk": library(), "runtime": strings.Replace(runtime.Version(), "go", "Go ", 1)}})
	var clients sync.Map
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadBytes('\n')
		if err == io.EOF {
			return
		}
		var r request
		if err == nil {
			err = json.Unmarshal(line, &r)
		}
		if err != nil {
			panic(err) // the runner's mistake
		}
		if r.Do == "quit" {
			return
		}
		known, _ := clients.Load(r.Client)
		c, _ := known.(*client)
		switch {
		case r.Do == "connect":
			go func() {
				c, present, err := connect(&r)
				if err != nil {
					answer(r.ID, nil, err)
					return
				}
				clients.Store(r.Client, c)
				answer(r.ID, object{"sessionPresent": present}, nil)
			}()
		case r.Do == "disconnect":
			clients.Delete(r.Client)
			go func() {
				if c != nil {
					c.leave()
				}
				answer(r.ID, nil, nil)
			}()
		case c == nil:
			answer(r.ID, nil, failed("invalid", "there is no client "+r.Client))
		case r.Do == "send":
			c.send(&r) // here, so that messages keep their order; it does not wait
		default:
			go func() {
				value, err := c.perform(&r)
				answer(r.ID, value, err)
			}()
		}
	}
}
