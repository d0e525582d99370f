package review

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// tellPacket retells an event of a packet.
func tellPacket(e workflows.Event) string { return workflows.Retell(packetTales, e) }

var packetTales = map[string]workflows.Teller{
	evBegun: workflows.Tells(func(_ workflows.Event, b begun) string {
		return fmt.Sprintf("%s was asked to review %s by %s.", workflows.Mention(b.Reviewer),
			workflows.Plural(len(b.Rows), "row"), workflows.When(b.Due))
	}),
	evLooked: workflows.Tells(func(e workflows.Event, _ known) string {
		return workflows.Mention(e.By.ID) + " looked at the rows for the first time."
	}),
	evSaved: workflows.Tells(func(e workflows.Event, b saved) string {
		if b.Bulk {
			return workflows.Mention(e.By.ID) + " kept " + workflows.Plural(len(b.Verdicts), "row") +
				" without a flag together."
		}
		return workflows.Mention(e.By.ID) + " decided: " + verdictsTale(b.Verdicts, b.Emails) + "."
	}),
	evUndone: workflows.Tells(func(e workflows.Event, _ none) string {
		return workflows.Mention(e.By.ID) + " took the last step back."
	}),
	evSigned: workflows.Tells(func(_ workflows.Event, b Signature) string {
		text := workflows.Mention(b.By) + " signed off"
		if took, err := time.ParseDuration(b.Took); err == nil && took > 0 {
			text += ", " + workflows.Span(took) + " after the first look"
		}
		if b.Acknowledged != "" {
			text += ", acknowledging that " + b.Acknowledged
		}
		if b.Fast {
			return text + ". ! Everything was kept in under two seconds a row."
		}
		return text + "."
	}),
	evHanded:    workflows.Tells(handedTale),
	evEscalated: workflows.Tells(handedTale),
	evNudged: workflows.Tells(func(_ workflows.Event, b nudged) string {
		return fmt.Sprintf("%s reminded: %s left.", workflows.Mentions(b.To)+wasWere(len(b.To)),
			workflows.Plural(b.Open, "row"))
	}),
	evChecked: workflows.TellsAlways("The reviewers were found to be there still."),
	evClosed: workflows.Tells(func(_ workflows.Event, b closed) string {
		text := "The decisions are final."
		if len(b.NoAnswer) > 0 {
			text += " Nobody answered in time for " + rowNames(b.NoAnswer, b.Emails) + "."
		}
		if len(b.Fixes) > 0 {
			text += " " + workflows.Plural(len(b.Fixes), "change") + " to carry out."
		}
		return text
	}),
	evFixed: workflows.Tells(func(_ workflows.Event, b fixes) string {
		var parts []string
		for _, f := range b.Fixes {
			part := f.Action + " " + rowName(f.Row, b.Emails)
			if f.Access == "" && f.State == population.FixPending {
				parts = append(parts, part+" is begun again")
				continue
			}
			switch {
			case f.State == population.FixPending && b.By != "":
				part += " is begun again (" + f.Access + ")"
			case f.State == population.FixPending:
				part += " is on its way (" + f.Access + ")"
			case f.State == population.FixFailed:
				part += " failed: " + strings.TrimSuffix(or(f.Why, "it is not said why"), ".")
			case f.State == population.FixDone:
				part += ": done, " + PacketState{}.says(f)
			default:
				part += ": done, " + PacketState{}.seenBy(f)
			}
			parts = append(parts, part)
		}
		text := strings.Join(parts, "; ") + "."
		if b.By != "" {
			return workflows.Mention(b.By) + ": " + text
		}
		return strings.ToUpper(text[:1]) + text[1:]
	}),
	evLate: workflows.TellsAlways(
		"A change that was decided was not done in time; the administrators and holders were told."),
	evTokensRead: workflows.Tells(func(_ workflows.Event, b tokensRead) string { return b.tell() }),
	evMailbox: workflows.Tells(func(_ workflows.Event, b Mailbox) string {
		if b.Attested != "" {
			return workflows.Mention(b.Attested) + " says that the holders of " + workflows.Esc(b.Email) +
				" are those who can open it."
		}
		return "The mail system's list for " + workflows.Esc(b.Email) + " was given: " +
			workflows.Plural(len(b.Delegates), "delegate") + ", " + workflows.Plural(len(b.Differences), "difference") +
			"."
	}),
	evPacketOver: workflows.TellsAlways("Nothing is left to carry out in this part."),
}

func wasWere(n int) string {
	if n == 1 {
		return " was"
	}
	return " were"
}

func handedTale(_ workflows.Event, b handed) string {
	if b.To == "" {
		return workflows.Mention(b.From) + " had not finished, and nobody else can take it: it stays there."
	}
	from, to := workflows.Mention(b.From), workflows.Mention(b.To)
	text := map[string]string{
		"escalated":   to + " was asked as well, because " + from + " had not finished",
		"replaced":    to + " goes on in place of " + from + ", who had not finished in time",
		"deactivated": to + " goes on in place of " + from + ", who is no longer an active member of this workspace",
		"absent":      to + " goes on in place of " + from + ", who is away",
		"delegated":   to + " goes on in place of " + from + ", who has delegated",
		"reassigned":  workflows.Mention(b.By) + " gave the part of " + from + " to " + to,
	}[b.Why]
	if b.By == b.From {
		text = from + " gave it to " + to
	}
	if b.Note != "" {
		text += ": " + workflows.Quote(b.Note)
	}
	if len(b.Freed) > 0 {
		text += ". " + strings.ToUpper(rowsWord(b.Freed)[:1]) + rowsWord(b.Freed)[1:] + isNo(len(b.Freed)) + " any more"
	}
	return text + "."
}

func isNo(n int) string {
	if n == 1 {
		return " is open again, and no exception"
	}
	return " are open again, and no exceptions"
}

// rowName is a row by its address, or its number where a story is older than addresses in it.
func rowName(n int, emails map[int]string) string {
	if email := emails[n]; email != "" {
		return workflows.Esc(email)
	}
	return "row " + strconv.Itoa(n)
}

// rowNames are a few rows by their addresses, or how many they are.
func rowNames(rows []int, emails map[int]string) string {
	if len(rows) > fewRows {
		return workflows.Plural(len(rows), "row")
	}
	names := make([]string, len(rows))
	for i, n := range rows {
		names[i] = rowName(n, emails)
	}
	return workflows.List(names, "and")
}

// verdictsTale groups rows by what was decided and why.
func verdictsTale(all map[int]population.Verdict, emails map[int]string) string {
	byDecision := map[string][]string{}
	var order []string // as the first row of each
	for _, n := range sortedRows(all) {
		v := all[n]
		word := v.Decision
		if v.Decision == population.Change && v.Role != "" {
			word += " to " + v.Role
		}
		if word == "" {
			word = "left open"
		}
		if v.Reason != "" {
			word += ", " + workflows.Quote(v.Reason)
		}
		if byDecision[word] == nil {
			order = append(order, word)
		}
		byDecision[word] = append(byDecision[word], rowName(n, emails))
	}
	words := make([]string, 0, len(order))
	for _, word := range order {
		words = append(words, workflows.List(byDecision[word], "and")+": "+word)
	}
	return strings.Join(words, "; ")
}
