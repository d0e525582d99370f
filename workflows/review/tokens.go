package review

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// API tokens are rows of a review on pages of their own. What is not kept is revoked by people in
// integrator.io, whose interface offers no sure way to do it; Keyholder then reads the list again,
// and says of nothing that it is done before the list shows it or two people say so.

// Events about tokens.
const (
	evTokens     = "campaign.tokens" // TokensChunk
	evTokensRead = "packet.tokens"   // tokensRead: the list was read again after the close
)

// revokeEvery is how often the tokens are read while one is to be revoked.
const revokeEvery = 10 * time.Minute

// TokensChunk is a piece of the frozen list of an environment's API tokens: the texts of all pieces
// make tokens/<environment>.csv.
type TokensChunk struct {
	Environment string `json:"environment"`
	N           int    `json:"n"`
	Of          int    `json:"of"`
	CSV         string `json:"csv"`
}

func (b TokensChunk) tell() string {
	text := "The list of API tokens of " + workflows.Esc(or(b.Environment, workflows.Production)) + " was frozen"
	if b.Of > 1 {
		text += fmt.Sprintf(", piece %d of %d", b.N, b.Of)
	}
	return text + "."
}

// TokensSeen is the last reading of an environment's tokens after the close.
type TokensSeen struct {
	Mark string    `json:"mark,omitempty"`
	Code string    `json:"code,omitempty"` // why it could not be read
	At   time.Time `json:"at,omitzero"`
}

type tokensRead struct {
	Environment string `json:"environment,omitempty"`
	TokensSeen
}

func (b tokensRead) tell() string {
	where := workflows.Esc(or(b.Environment, workflows.Production))
	if b.Code != "" {
		return "The API tokens of " + where + " could not be read again (" + workflows.Esc(b.Code) + ")."
	}
	return "The API tokens of " + where + " were read again."
}

// freezeTokens are the events that keep an environment's list of tokens; the reading learns its hash.
func freezeTokens(cmd workflows.Command, reading *Reading, tokens []population.Row) []workflows.Event {
	// none listed, none known: whoever reads has one
	if reading.Unread[workflows.PartTokens] != "" || len(tokens) == 0 {
		return nil
	}
	list := population.FrozenTokens(tokens)
	sum := sha256.Sum256(list)
	pieces := inPieces(list, chunkSize)
	reading.TokenCount, reading.TokensSHA256 = len(tokens), hex.EncodeToString(sum[:])
	var out []workflows.Event
	for i, piece := range pieces {
		out = append(out, cmd.Event(evTokens, TokensChunk{Environment: reading.Environment, N: i + 1, Of: len(pieces),
			CSV: piece}))
	}
	return out
}

// tokenFacts says of an environment how many tokens were read, or why none are in the review.
func (r Reading) tokenFacts() (behind string, more []string) {
	name := workflows.Esc(or(r.Environment, workflows.Production))
	switch why := r.Unread[workflows.PartTokens]; {
	case why != "":
		return "", []string{"! " + name + ": its API tokens are not in this review, for they could not be read: " +
			workflows.Esc(why)}
	case r.TokensSHA256 != "":
		return " and " + workflows.Plural(r.TokenCount, "API token"), nil
	}
	return "", nil
}

// tokenRows is how many rows of a packet are API tokens; they are its last.
func (s PacketState) tokenRows() int {
	n := 0
	for _, r := range s.Rows {
		if r.IsToken() {
			n++
		}
	}
	return n
}

// tokensWord names the tokens of a packet behind "a user or a mailbox".
func (s PacketState) tokensWord() string {
	if s.tokenRows() > 0 {
		return "a user, a mailbox or an API token"
	}
	return "a user or a mailbox"
}

// tokenFacts are the numbers of tokens on the card.
func (s PacketState) tokenFacts() []string {
	n, reasons := s.tokenRows(), 0
	for _, r := range s.Rows {
		if r.IsToken() && !r.Plain() {
			reasons++
		}
	}
	switch {
	case n == 0:
		return nil
	case reasons == 0:
		return []string{workflows.Plural(n, "API token") + ", on a page of " + theirIts(n) + " own"}
	}
	return []string{fmt.Sprintf("! %s, on a page of %s own: a reason is needed to keep %s",
		workflows.Plural(n, "API token"), theirIts(n), ofThem(reasons, n))}
}

func theirIts(n int) string {
	if n == 1 {
		return "its"
	}
	return "their"
}

func ofThem(some, all int) string {
	if some == all {
		return themIt(all)
	}
	return fmt.Sprintf("%d of them", some)
}

// tokenOptions are what a token's row can be decided as.
func tokenOptions() []workflows.Option {
	return []workflows.Option{{Value: population.Keep, Label: "Keep"},
		{Value: population.Remove, Label: "Remove: revoke it"}}
}

// revoking are the environments in which a token is still to be revoked, in their order.
func (s PacketState) revoking() []string {
	open := map[string]bool{}
	for _, f := range s.Fixes {
		if f.Action == population.FixRevoke && f.State != population.FixVerified {
			open[s.Rows[f.Row-1].Environment] = true
		}
	}
	return slices.Sorted(maps.Keys(open))
}

// tokenWatches read the tokens while one is to be revoked.
func (s PacketState) tokenWatches() []workflows.Watch {
	if s.Phase != PacketFixing {
		return nil
	}
	var out []workflows.Watch
	for _, env := range s.revoking() {
		out = append(out, workflows.Watch{Name: "tokens-" + or(env, workflows.Production),
			Call: s.readTokens(env, s.TokensSeen[env].Mark), Every: revokeEvery})
	}
	return out
}

func (s PacketState) readTokens(env, known string) workflows.Call {
	return workflows.Call{Op: workflows.OpTokens, Account: s.AccountID, Environment: env, Known: known}
}

// tokensSeen takes a reading of tokens: what is gone or revoked is verified; what somebody says is
// revoked, and still works, is not.
func (s PacketState) tokensSeen(cmd workflows.Command) (workflows.Decision, error) {
	r := cmd.Receipt
	if r.Op != workflows.OpTokens || s.Phase != PacketFixing || !slices.Contains(s.revoking(), r.Environment) {
		return workflows.Decision{}, nil
	}
	was := s.TokensSeen[r.Environment]
	if !r.OK || r.Tokens == nil {
		code := cmp.Or(r.Code, workflows.RefusedOther)
		if was.Code == code {
			return workflows.Decision{}, nil
		}
		b := tokensRead{r.Environment, TokensSeen{Code: code, At: cmd.At}}
		return workflows.Decision{Events: []workflows.Event{cmd.Event(evTokensRead, b)}}, nil
	}
	seen := TokensSeen{Mark: r.Tokens.Mark(), At: r.Tokens.At}
	d := workflows.Decision{}
	if seen.Mark != was.Mark || was.Code != "" {
		d.Events = append(d.Events, cmd.Event(evTokensRead, tokensRead{r.Environment, seen}))
	}
	if all := s.compareTokens(r.Environment, *r.Tokens); len(all) > 0 {
		d.Events = append(d.Events, cmd.Event(evFixed, s.fixes(all, "")))
	}
	if len(d.Events) == 0 {
		return d, nil
	}
	return s.settle(cmd, d)
}

// compareTokens are the remedies that a reading changes.
func (s PacketState) compareTokens(env string, list workflows.Tokens) []population.Fix {
	var all []population.Fix
	for _, f := range s.Fixes {
		row := s.Rows[f.Row-1]
		if f.Action != population.FixRevoke || f.State == population.FixVerified || row.Environment != env {
			continue
		}
		works := slices.ContainsFunc(list.Tokens, func(t workflows.Token) bool { return t.ID == row.ID && !t.Revoked })
		switch {
		case !works:
			if f.How = workflows.Verified; f.State != population.FixDone {
				f.At = list.At
			}
			f.State, f.Why = population.FixVerified, ""
		case f.State == population.FixDone && list.At.After(f.At):
			f.State, f.Why = population.FixFailed, workflows.Say("%m said that it is revoked, but integrator.io "+
				"lists it as working, %t", f.Who, list.At)
		default:
			continue
		}
		all = append(all, f)
	}
	return all
}

// revoked takes somebody's word that the tokens waiting here are revoked, and has the list read at once.
func (s PacketState) revoked(cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	var all []population.Fix
	for _, f := range s.Fixes {
		if f.Action == population.FixRevoke && (f.State == population.FixPending || f.State == population.FixFailed) {
			f.State, f.How, f.Who, f.At, f.Why = population.FixDone, workflows.Attested, cmd.Actor.ID, cmd.At, ""
			all = append(all, f)
		}
	}
	if len(all) == 0 {
		return workflows.Decision{}, workflows.Refuse("nothing", "No API token waits for that just now. "+
			"Nothing was recorded.")
	}
	d := workflows.Decision{Events: []workflows.Event{cmd.Event(evFixed, s.fixes(all, cmd.Actor.ID))}}
	for _, env := range s.revoking() {
		d.Calls = append(d.Calls, s.readTokens(env, ""))
	}
	d, err := s.settle(cmd, d)
	d.Reply = workflows.Reply{
		Text: "Recorded. The list of API tokens is read again now; the card shows what comes of it."}
	return d, err
}

// askRevoking adds to the card of the remedies what is to be done about tokens.
func (s PacketState) askRevoking(card *workflows.Card) {
	n := 0
	for _, f := range s.Fixes {
		if f.Action == population.FixRevoke && (f.State == population.FixPending || f.State == population.FixFailed) {
			n++
		}
	}
	if n == 0 {
		return
	}
	text := "! " + workflows.Plural(n, "API token") + " to revoke, by one of you. Keyholder reads the list every " +
		workflows.Span(revokeEvery) + " and says here when it is done."
	for _, env := range s.revoking() {
		if s.TokensSeen[env].Code != "" {
			text += " The list of " + workflows.Esc(or(env, workflows.Production)) +
				" cannot be read just now: one of you says that it is done, and another one confirms it."
		}
	}
	card.Lines = append(card.Lines, text)
	card.Buttons = append(card.Buttons, workflows.Button{Action: ActRevoked, Label: "Revoked, look again",
		Confirm: &workflows.Confirm{Title: "Is it done?",
			Text: "Every API token that waits on this card is revoked or " +
				"deleted in integrator.io. This is recorded under your name, and the list is read again.",
			Yes: "It is so", No: "Not yet"}})
	card.Fallback = "To revoke after the review of " + workflows.Esc(s.AccountName) + ": " +
		workflows.Plural(n, "API token")
}

// revokeLine is the remedy of a token that is not done.
func (s PacketState) revokeLine(f population.Fix) string {
	r := s.Rows[f.Row-1]
	text := "… revoke " + workflows.Esc(r.Subject())
	if r.Environment != "" {
		text += " (" + workflows.Esc(r.Environment) + ")"
	}
	text += ": by " + workflows.When(f.Due) + ", " + population.RevokeWords(r)
	if r.Token.Own {
		text += ". ! Keyholder itself uses it: give it another one first"
	}
	return text
}

// tokenPage reports whether a page, from 0, is one of tokens.
func (s PacketState) tokenPage(page int) bool { return page >= pagesFor(len(s.Rows)-s.tokenRows()) }

// pagesFor is how many pages so many rows take.
func pagesFor(rows int) int { return (rows + PageRows - 1) / PageRows }

// rowsOf are the rows of a page, from 0: first those of people and mailboxes, then the tokens on pages of their own.
func (s PacketState) rowsOf(page int) []population.Row {
	people := len(s.Rows) - s.tokenRows()
	from, end := page*PageRows, people
	if s.tokenPage(page) {
		from, end = people+(page-pagesFor(people))*PageRows, len(s.Rows)
	}
	return s.Rows[min(from, end):min(from+PageRows, end)]
}
