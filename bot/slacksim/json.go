package slacksim

import (
	"bytes"
	"encoding/json"
	"iter"
	"maps"
	"slices"
)

// obj is a JSON object as the wire has it.
type obj = map[string]any

func asList(v any) []any { l, _ := v.([]any); return l }

func asObj(v any) obj { o, _ := v.(obj); return o }

func asString(v any) string { s, _ := v.(string); return s }

// sorted walks an object in the order of its keys, so that answers are the same on every run.
func sorted(o obj) iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for _, k := range slices.Sorted(maps.Keys(o)) {
			if !yield(k, o[k]) {
				return
			}
		}
	}
}

// encode is json.Marshal for values made here, without turning <, > and & into escapes.
func encode(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("slacksim: encode: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// decode reads any JSON value; nil when it is none.
func decode(raw json.RawMessage) any {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return nil
	}
	return v
}

// clone copies a JSON value deeply.
func clone[T any](v T) T {
	var out T
	if json.Unmarshal(encode(v), &out) != nil {
		return v
	}
	return out
}
