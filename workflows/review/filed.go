package review

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
)

// What an event of a campaign keeps as it came, for [Filed].
const (
	FiledList   = "list"   // a piece of a frozen list
	FiledTokens = "tokens" // a piece of a frozen list of API tokens
	FiledAnswer = "answer" // an answer of integrator.io
	FiledFile   = "file"   // a file that somebody handed in
)

// Filed is a list, or a piece of one, that an event of a campaign keeps.
type Filed struct {
	What        string // one of the kinds above
	Environment string // "" is production
	Alias       string // an address: the file is the mail system's about it
	Name        string // of a file, as its owner called it
	N           int    // of a piece or an answer, from 1; a first one takes the place of what was read before
	Content     []byte
}

// FiledBy is what an event of that type and body keeps; false: nothing. Errors: the body cannot be read.
func FiledBy(kind string, body json.RawMessage) (Filed, bool, error) {
	var packed []byte
	var f Filed
	switch kind {
	case evPopulation:
		var b PopulationChunk
		if err := json.Unmarshal(body, &b); err != nil {
			return f, false, fmt.Errorf("decode %s: %w", kind, err)
		}
		return Filed{What: FiledList, Environment: b.Environment, N: b.N, Content: []byte(b.CSV)}, true, nil
	case evTokens:
		var b TokensChunk
		if err := json.Unmarshal(body, &b); err != nil {
			return f, false, fmt.Errorf("decode %s: %w", kind, err)
		}
		return Filed{What: FiledTokens, Environment: b.Environment, N: b.N, Content: []byte(b.CSV)}, true, nil
	case evPage:
		var b RawPage
		if err := json.Unmarshal(body, &b); err != nil {
			return f, false, fmt.Errorf("decode %s: %w", kind, err)
		}
		f, packed = Filed{What: FiledAnswer, Environment: b.Environment, N: b.N}, b.Gzip
	case evFile:
		var b RawFile
		if err := json.Unmarshal(body, &b); err != nil {
			return f, false, fmt.Errorf("decode %s: %w", kind, err)
		}
		f, packed = Filed{What: FiledFile, Environment: b.Environment, Name: b.Name}, b.Gzip
	case evMailSystem:
		var b mailSystem
		if err := json.Unmarshal(body, &b); err != nil {
			return f, false, fmt.Errorf("decode %s: %w", kind, err)
		}
		if len(b.Gzip) == 0 {
			return f, false, nil // without a file it is somebody's word
		}
		f, packed = Filed{What: FiledFile, Alias: b.Email, Name: b.File}, b.Gzip
	default:
		return f, false, nil
	}
	var err error
	f.Content, err = unpack(packed)
	return f, err == nil, err
}

func unpack(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(r); err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	return b.Bytes(), nil
}
