package review

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

// tellPacket retells an event of a packet.
func tellPacket(e workflows.Event) string {
	tell, known := packetTales[e.Type]
	if !known {
		return "Something happened that this version does not know."
	}
	return tell(e)
}

// tale decodes an event's body for a sentence.
func tale[B any](text func(workflows.Event, B) string) func(workflows.Event) string {
	return func(e workflows.Event) string {
		var b B
		if err := json.Unmarshal(e.Body, &b); err != nil {
			return "This entry cannot be read."
		}
		return text(e, b)
	}
}

func plainTale(text string) func(workflows.Event) string {
	return func(workflows.Event) string { return text }
}

var packetTales = map[string]func(workflows.Event) string{
	evBegun: tale(func(_ workflows.Event, b begun) string {
		return fmt.Sprintf("%s was asked to review %s by %s.", workflows.Mention(b.Reviewer), workflows.Plural(len(b.Rows), "row"), workflows.When(b.Due))
	}),
	evLooked: tale(func(e workflows.Event, _ known) string {
		return workflows.Mention(e.By.ID) + " looked at the rows for the first time."
	}),
	evSaved: tale(func(e workflows.Event, b saved) string {
		if b.Bulk {
			return workflows.Mention(e.By.ID) + " kept " + workflows.Plural(len(b.Verdicts), "row") + " together."
		}
		return workflows.Mention(e.By.ID) + " decided " + verdictsTale(b.Verdicts) + "."
	}),
	evUndone: func(e workflows.Event) string { return workflows.Mention(e.By.ID) + " took the last step back." },
	evSigned: tale(func(_ workflows.Event, b Signature) string {
		text := workflows.Mention(b.By) + " signed off."
		if b.Fast {
			text += " Everything was kept in under two seconds a row."
		}
		return text
	}),
	evHanded:    tale(handedTale),
	evEscalated: tale(handedTale),
	evNudged: tale(func(_ workflows.Event, b nudged) string {
		return fmt.Sprintf("%s reminded: %s left.", workflows.Mentions(b.To)+wasWere(len(b.To)), workflows.Plural(b.Open, "row"))
	}),
	evChecked: plainTale("The reviewers were found to be there still."),
	evClosed: tale(func(_ workflows.Event, b closed) string {
		text := "The decisions are final."
		if len(b.NoAnswer) > 0 {
			text += " Nobody answered for " + rowsWord(b.NoAnswer) + "."
		}
		if len(b.Fixes) > 0 {
			text += " " + workflows.Plural(len(b.Fixes), "change") + " to carry out."
		}
		return text
	}),
	evFixed: tale(func(_ workflows.Event, b fixes) string {
		var parts []string
		for _, f := range b.Fixes {
			part := fmt.Sprintf("row %d, %s: %s", f.Row, f.Action, f.State)
			if f.How != "" {
				part += " (" + f.How + ")"
			}
			if f.State == FixFailed && f.Why != "" {
				part += ", " + f.Why
			}
			parts = append(parts, part)
		}
		text := "Carrying out: " + strings.Join(parts, "; ") + "."
		if b.By != "" {
			text = workflows.Mention(b.By) + " acted on it. " + text
		}
		return text
	}),
	evLate: plainTale("A change that was decided is late."),
	evMailbox: tale(func(_ workflows.Event, b Mailbox) string {
		if b.Attested != "" {
			return workflows.Mention(b.Attested) + " says that the holders of " + workflows.Esc(b.Email) + " are those who can open it."
		}
		return "The mail system's list for " + workflows.Esc(b.Email) + " was given: " + workflows.Plural(len(b.Delegates), "delegate") + ", " + workflows.Plural(len(b.Differences), "difference") + "."
	}),
	evPacketOver: plainTale("Everything that was decided is carried out and verified."),
}

func wasWere(n int) string {
	if n == 1 {
		return " was"
	}
	return " were"
}

func handedTale(_ workflows.Event, b handed) string {
	if b.To == "" {
		return "It should have gone to a second person, and nobody can take it."
	}
	text := "It went from " + workflows.Mention(b.From) + " to " + workflows.Mention(b.To) + " (" + b.Why + ")."
	if b.Why == "escalated" {
		text = workflows.Mention(b.To) + " was asked as well, because " + workflows.Mention(b.From) + " had not finished."
	}
	if b.Note != "" {
		text += " " + workflows.Quote(b.Note)
	}
	return text
}

func verdictsTale(all map[int]Verdict) string {
	byDecision := map[string][]int{}
	for n, v := range all {
		word := v.Decision
		if v.Decision == Change && v.Role != "" {
			word += " to " + v.Role
		}
		if word == "" {
			word = "not yet, with a note"
		}
		byDecision[word] = append(byDecision[word], n)
	}
	words := make([]string, 0, len(byDecision))
	for word, rows := range byDecision {
		slices.Sort(rows)
		words = append(words, rowsWord(rows)+": "+word)
	}
	slices.Sort(words)
	return strings.Join(words, "; ")
}
