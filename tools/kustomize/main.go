// Kustomizer builds kustomizations in memory: what it is given is all that there is.
//
// It reads requests from standard input and writes answers to standard output, each a length (four bytes, the highest
// first) and JSON, until the input ends. It opens no file, no connection and starts no program; who starts it shuts it
// in besides.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/openapi"
)

// A frame that is longer is none.
const largest = 512 << 20

type request struct {
	// Path is the folder to build, relative to the root.
	Path string `json:"path"`
	// Files are contents by path, relative to the root.
	Files map[string][]byte `json:"files"`
	// Folders are links to folders, each with the real folder that it leads to.
	Folders map[string]string `json:"folders"`
	// Restricted keeps a kustomization to its own folder (LoadRestrictionsRootOnly).
	Restricted bool `json:"restricted"`
}

type answer struct {
	Output []byte `json:"output,omitempty"`
	Error  string `json:"error,omitempty"`
	// Last says that this process answers no more.
	Last bool `json:"last,omitempty"`
}

func main() {
	in, out := bufio.NewReader(os.Stdin), bufio.NewWriter(os.Stdout)
	for {
		body, err := read(in)
		if err == io.EOF {
			return
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		made, again := handle(body)
		made.Last = !again
		if err := write(out, made); err != nil || !again {
			return
		}
	}
}

// handle answers one request, and says whether this process may answer another one: a schema of a kustomization's own
// stays in the library's memory, and so does whatever a panic left.
func handle(body []byte) (made answer, again bool) {
	defer func() {
		if problem := recover(); problem != nil {
			made, again = answer{Error: fmt.Sprintf("panic: %v", problem)}, false
		}
	}()
	var asked request
	if err := json.Unmarshal(body, &asked); err != nil {
		return answer{Error: err.Error()}, false
	}
	options := krusty.MakeDefaultOptions()
	// As the command does where it is told nothing of the order.
	options.Reorder = krusty.ReorderOptionUnspecified
	options.LoadRestrictions = types.LoadRestrictionsNone
	if asked.Restricted {
		options.LoadRestrictions = types.LoadRestrictionsRootOnly
	}
	before := openapi.GetSchemaVersion()
	built, err := krusty.MakeKustomizer(options).Run(newTree(asked.Files, asked.Folders), join(asked.Path))
	again = openapi.GetSchemaVersion() == before
	if err != nil {
		return answer{Error: err.Error()}, again
	}
	output, err := built.AsYaml()
	if err != nil {
		return answer{Error: err.Error()}, again
	}
	return answer{Output: output}, again
}

func read(in io.Reader) ([]byte, error) {
	var length uint32
	if err := binary.Read(in, binary.BigEndian, &length); err != nil {
		return nil, err
	}
	if length > largest {
		return nil, fmt.Errorf("a request of %d bytes", length)
	}
	body := make([]byte, length)
	_, err := io.ReadFull(in, body)
	return body, err
}

func write(out *bufio.Writer, made answer) error {
	body, err := json.Marshal(made)
	if err != nil {
		return err
	}
	if err := binary.Write(out, binary.BigEndian, uint32(len(body))); err != nil {
		return err
	}
	if _, err := out.Write(body); err != nil {
		return err
	}
	return out.Flush()
}
