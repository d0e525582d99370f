package evidence

import (
	"encoding/json"
	"fmt"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/chain"
	"github.com/keyholder/keyholder/workflows/review"
)

// Unpack takes the frozen lists, the answers and the files that people brought from the campaign's
// chain among Chains. Of a list that was read again the last reading counts. Erased events are
// passed over; that something is missing shows in the exported comparisons.
func (e *Evidence) Unpack() error {
	e.Frozen, e.Tokens = map[string][]byte{}, map[string][]byte{}
	e.Raw, e.Handed = map[string][][]byte{}, nil
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

func (e *Evidence) unpack(l chain.Link) error {
	var envelope struct {
		Body json.RawMessage `json:"body"`
	}
	if err := json.Unmarshal(l.Body, &envelope); err != nil {
		return err
	}
	f, keeps, err := review.FiledBy(l.Type, envelope.Body)
	if err != nil || !keeps {
		return err
	}
	switch f.What {
	case review.FiledList:
		if f.N <= 1 {
			e.Frozen[f.Environment] = nil
		}
		e.Frozen[f.Environment] = append(e.Frozen[f.Environment], f.Content...)
	case review.FiledTokens:
		if f.N <= 1 {
			e.Tokens[f.Environment] = nil
		}
		e.Tokens[f.Environment] = append(e.Tokens[f.Environment], f.Content...)
	case review.FiledAnswer:
		if f.N <= 1 {
			e.Raw[f.Environment] = nil
		}
		e.Raw[f.Environment] = append(e.Raw[f.Environment], f.Content)
	case review.FiledFile:
		e.Handed = append(e.Handed, Handed{Environment: f.Environment, Alias: f.Alias, Name: f.Name,
			Content: f.Content})
	}
	return nil
}
