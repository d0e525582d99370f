package workflows

import "testing"

// TestAYesWithACommentAsksForTheProofOfAYes: it is the same click, whichever button says it.
func TestAYesWithACommentAsksForTheProofOfAYes(t *testing.T) {
	p := Policy{StepUp: []string{"transfer.confirm", "access.approve:administrator", "key.refuse"}}
	for click, want := range map[string]bool{
		"transfer.confirm": true, "transfer.comment": true, "transfer.refuse": false, "transfer.look": false,
		"access.approve": true, "access.comment": true, "access.look": false,
		"recovery.comment": false, "key.comment": false, "key.refuse": true, "comment": false,
	} {
		if got := p.StepsUp(click, gains{}); got != want {
			t.Errorf("%s asks for a proof: %v, want %v", click, got, want)
		}
		if named := p.NamesClick(click); named != want {
			t.Errorf("%s is named: %v, want %v", click, named, want)
		}
	}
}

// gains is the state of a request that gains administrator.
type gains struct{ Head }

func (gains) Title() string     { return "" }
func (gains) Narrows() []string { return []string{"administrator"} }
