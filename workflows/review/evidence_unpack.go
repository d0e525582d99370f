package review

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"

	"github.com/keyholder/keyholder/workflows"
)

// Unpack takes the frozen lists, the answers and the files that people brought from the campaign's chain among Chains. Of a list that was read again the
// last reading counts. Erased events are passed over; that something is missing shows in the exported comparisons.
func (e *Evidence) Unpack() error {
	e.Frozen, e.Raw, e.Handed = map[string][]byte{}, map[string][][]byte{}, nil
	for _, c := range e.Chains {
		if c.Kind != workflows.KindWorkflow || c.ID != e.Campaign.ID {
			continue
		}
		for _, l := range c.Links {
			if l.Erased {
				continue
			}
			if err := e.unpack(l); err != nil {
				return fmt.Errorf("read event %d of %s: %w", l.Seq, c.ID, err)
			}
		}
	}
	return nil
}

func (e *Evidence) unpack(l Link) error {
	read := func(into any) error {
		envelope := struct {
			Body any `json:"body"`
		}{into}
		return json.Unmarshal(l.Body, &envelope)
	}
	switch l.Type {
	case evPopulation:
		var b populationChunk
		if err := read(&b); err != nil {
			return err
		}
		if b.N <= 1 {
			e.Frozen[b.Environment] = nil
		}
		e.Frozen[b.Environment] = append(e.Frozen[b.Environment], b.CSV...)
	case evPage:
		var b rawPage
		if err := read(&b); err != nil {
			return err
		}
		if b.N <= 1 {
			e.Raw[b.Environment] = nil
		}
		content, err := unpackGzip(b.Gzip)
		e.Raw[b.Environment] = append(e.Raw[b.Environment], content)
		return err
	case evFile:
		var b rawFile
		if err := read(&b); err != nil {
			return err
		}
		content, err := unpackGzip(b.Gzip)
		e.Handed = append(e.Handed, Handed{Environment: b.Environment, Name: b.Name, Content: content})
		return err
	case evMailSystem:
		var b mailSystem
		if err := read(&b); err != nil || len(b.Gzip) == 0 {
			return err // without a file it is somebody's word
		}
		content, err := unpackGzip(b.Gzip)
		e.Handed = append(e.Handed, Handed{Alias: b.Email, Name: b.File, Content: content})
		return err
	}
	return nil
}

func unpackGzip(packed []byte) ([]byte, error) {
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
