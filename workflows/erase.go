package workflows

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Erasure is the type of the event by which a record says that what was about one person was erased from it. It belongs
// to the road and not to a machine.
const Erasure = "road.erased"

// Erased is the body of an [Erasure].
type Erased struct {
	// As is what stands in the place of the person.
	As string `json:"as"`
	// By is by whose word, Why for which reason, as whoever erased wrote it.
	By  string `json:"by"`
	Why string `json:"why"`
	// Instead names the events that were rewritten, by number: the hash of what stands there now ([InsteadHash]).
	Instead map[uint64]string `json:"instead"`
}

// InsteadHash is over an event as it stands after an erasure, in lower-case hexadecimal.
func InsteadHash(body []byte) string {
	sum := sha256.Sum256(append([]byte("keyholder erasure 1\n"), body...))
	return hex.EncodeToString(sum[:])
}

// Reads the body of an [Erasure].
func erasedBody(e Event) (b Erased, err error) {
	if err := json.Unmarshal(e.Body, &b); err != nil {
		return b, fmt.Errorf("decode %s: %w", e.Type, err)
	}
	return b, nil
}

// ReadErased answers what an [Erasure] says; ok false: e is something else, or cannot be read.
func ReadErased(e Event) (b Erased, ok bool) {
	if e.Type != Erasure || e.Body == nil {
		return b, false
	}
	b, err := erasedBody(e)
	return b, err == nil
}

// TellErased is the event as a sentence.
func TellErased(e Event) string {
	b, err := erasedBody(e)
	if err != nil {
		return "An entry that cannot be read (" + Esc(e.Type) + ")"
	}
	return fmt.Sprintf("What was about one person was erased here, by the word of %s: %s. %s stands for them.",
		Esc(b.By),
		Esc(b.Why), Esc(b.As))
}

// Subject is a person as the record may name them, and what stands there once they are erased.
type Subject struct {
	// IDs are found as they are written; Texts, their addresses and names, in any case. Neither within a longer word.
	IDs, Texts []string
	// As replaces an ID and a name; an address is replaced by one that belongs to nobody.
	As string
}

// address is what stands in the place of an address.
func (s Subject) address() string { return strings.ToLower(s.As) + "@erased.invalid" }

// Names reports whether a text names the person.
func (s Subject) Names(text string) bool { return s.in(text) != text }

// in replaces the person in a text.
func (s Subject) in(text string) string {
	for _, id := range s.IDs {
		text = replaced(text, text, id, s.As)
	}
	for _, t := range s.Texts {
		with := s.As
		if strings.Contains(t, "@") {
			with = s.address()
		}
		lower := strings.ToLower(text)
		if len(lower) != len(text) { // a letter whose other case is longer: compare as it is written
			lower = text
		}
		text = replaced(text, lower, strings.ToLower(t), with)
	}
	return text
}

// replaced replaces what is found in lower, which is as long as text.
func replaced(text, lower, find, with string) string {
	if find == "" || !strings.Contains(lower, find) {
		return text
	}
	var b strings.Builder
	at := 0
	for {
		i := strings.Index(lower[at:], find)
		if i < 0 {
			b.WriteString(text[at:])
			return b.String()
		}
		from, to := at+i, at+i+len(find)
		before, _ := utf8.DecodeLastRuneInString(text[:from])
		after, _ := utf8.DecodeRuneInString(text[to:])
		b.WriteString(text[at:from])
		if word(before) || strings.Contains(find, "@") && strings.ContainsRune(".+-_%", before) || word(after) {
			b.WriteString(text[from:to])
		} else {
			b.WriteString(with)
		}
		at = to
	}
}

func word(r rune) bool { return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) }

// Redact replaces the person in every string of a JSON text, and leaves all else, byte by byte.
// Lists that stand in it compressed are unpacked for it. changed false: the person is not named.
func (s Subject) Redact(text []byte) (out []byte, changed bool, err error) {
	var b bytes.Buffer
	for i := 0; i < len(text); {
		if text[i] != '"' {
			b.WriteByte(text[i])
			i++
			continue
		}
		end := literal(text, i)
		var plain string
		if err := json.Unmarshal(text[i:end], &plain); err != nil {
			return nil, false, fmt.Errorf("read a text of the record: %w", err)
		}
		next := s.in(plain)
		if packed, ok := s.repacked(plain); ok {
			next = packed
		}
		if next == plain {
			b.Write(text[i:end])
		} else {
			raw, err := json.Marshal(next)
			if err != nil {
				return nil, false, fmt.Errorf("write a text of the record: %w", err)
			}
			b.Write(raw)
			changed = true
		}
		i = end
	}
	return b.Bytes(), changed, nil
}

// literal answers where the string that begins at i ends.
func literal(text []byte, i int) int {
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// maxUnpacked bounds a compressed list, whose length nobody vouches for.
const maxUnpacked = 64 << 20

// repacked replaces the person in a compressed text; ok false: it is none, or does not name them.
func (s Subject) repacked(plain string) (string, bool) {
	if !strings.HasPrefix(plain, "H4sI") { // how gzip begins in base64
		return "", false
	}
	raw, err := base64.StdEncoding.DecodeString(plain)
	if err != nil {
		return "", false
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return "", false
	}
	text, err := io.ReadAll(io.LimitReader(z, maxUnpacked))
	if err != nil || len(text) == maxUnpacked {
		return "", false
	}
	next := s.in(string(text))
	if next == string(text) {
		return "", false
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, next) // into memory
	_ = w.Close()
	return base64.StdEncoding.EncodeToString(b.Bytes()), true
}

// Raw is an event's envelope as it is stored: {"by":…,"command":…,"calls":…,"body":…}.
type Raw struct {
	Seq  uint64
	Body []byte
}

// Redaction is what an erasure changes of one record.
type Redaction struct {
	Ref     Ref
	From    Record // as it stands; its version and head are compared
	Instead []Raw  // the events that are rewritten
	Event   Event  // the Erasure behind them
	Next    Record // state, schema, machine, version and time afterwards; its head is the store's to make
	Places  []string
}

// Eraser is what erasing needs of a store.
type Eraser interface {
	Records
	Stored(ctx context.Context, ref Ref) (Record, Doubt, error)
	// Envelopes answers a record's events as they stand, each link recomputed, with those that were
	// rewritten as they are now.
	Envelopes(ctx context.Context, rec Record) ([]Raw, []Event, error)
	// Redact rewrites a record, whole or not at all. [ErrConflict] when it has moved on.
	Redact(ctx context.Context, r Redaction) error
}

// PlanErasure finds what an erasure of a person changes, and writes nothing. refs are all records.
// refused are sentences that say what to do first; where there is one, nothing may be erased.
func PlanErasure(ctx context.Context, st Eraser, machines []Machine, refs []Ref, s Subject, b Erased,
	at time.Time) (plan []Redaction, refused []string, err error) {
	for _, ref := range refs {
		if ref.Kind == KindLedger {
			continue // it holds no more than where records stood
		}
		r, why, err := planOne(ctx, st, machines, ref, s, b, at)
		if err != nil {
			return nil, nil, err
		}
		switch {
		case why != "":
			refused = append(refused, why)
		case len(r.Instead) > 0 || len(r.Places) > 0:
			plan = append(plan, r)
		}
	}
	return plan, refused, nil
}

func planOne(ctx context.Context, st Eraser, machines []Machine, ref Ref, s Subject, b Erased,
	at time.Time) (r Redaction, refused string, err error) {
	rec, doubt, err := st.Stored(ctx, ref)
	if err != nil {
		return r, "", fmt.Errorf("read %s: %w", ref, err)
	}
	if doubt == DoubtChain {
		return r, fmt.Sprintf(
			"%s: its chain is doubted, so nobody can tell what stands in it. Take it back first (keyholder audit verify).", ref), nil
	}
	raws, events, err := st.Envelopes(ctx, rec)
	if err != nil {
		return r, "", fmt.Errorf("read the events of %s: %w", ref, err)
	}
	r = Redaction{Ref: ref, From: rec}
	r.From.Ref = ref
	b.Instead = map[uint64]string{}
	after := slices.Clone(events)
	for _, e := range events {
		if e.By.StepUp != nil && s.Names(e.By.ID) { // the provider's name for them, too
			s.IDs = append(slices.Clone(s.IDs), e.By.StepUp.Subject)
		}
	}
	for i, raw := range raws {
		if raw.Body == nil {
			continue
		}
		next, changed, err := s.Redact(raw.Body)
		if err != nil {
			return r, "", fmt.Errorf("%s, event %d: %w", ref, raw.Seq, err)
		}
		if !changed {
			continue
		}
		if after[i], err = envelope(events[i], next); err != nil {
			return r, "", fmt.Errorf("%s, event %d: %w", ref, raw.Seq, err)
		}
		r.Instead = append(r.Instead, Raw{raw.Seq, next})
		b.Instead[raw.Seq] = InsteadHash(next)
	}
	if ref.Kind == KindWorkflow {
		places, err := st.Places(ctx, ref.ID)
		if err != nil {
			return r, "", fmt.Errorf("read the cards of %s: %w", ref, err)
		}
		for card := range places {
			if _, recipient, _ := cutPlace(card); s.Names(recipient) {
				r.Places = append(r.Places, card)
			}
		}
		slices.Sort(r.Places)
	}
	if len(r.Instead) == 0 && len(r.Places) == 0 {
		return r, "", nil
	}
	if refused, err = firstEnd(machines, ref, events, s); err != nil || refused != "" {
		return r, refused, err
	}
	body, err := json.Marshal(b)
	if err != nil {
		return r, "", fmt.Errorf("encode the erasure: %w", err)
	}
	at = at.UTC().Truncate(time.Millisecond)
	if last := events[len(events)-1].At; at.Before(last) {
		at = last
	}
	r.Event = Event{Seq: rec.Version + 1, Type: Erasure, At: at, By: Actor{Kind: ByKeyholder}, Command: "erase/" + b.As,
		Body: body}
	if r.Next, err = without(machines, ref, append(after, r.Event)); err != nil {
		return r, "", fmt.Errorf("fold %s without the person: %w", ref, err)
	}
	return r, "", nil
}

// without folds what a record's events say once they are rewritten.
func without(machines []Machine, ref Ref, events []Event) (rec Record, err error) {
	var state any
	switch ref.Kind {
	case KindAccount:
		rec.Machine, rec.Schema = KindAccount, AccountSchema
		state, err = FoldRecord(ref, events, ApplyAccount)
	case KindPerson:
		rec.Machine, rec.Schema = KindPerson, PersonSchema
		state, err = FoldRecord(ref, events, ApplyPerson)
	default:
		m := MachineOf(machines, ref.ID)
		if m == nil {
			return rec, ErrNoWorkflow
		}
		rec.Machine, rec.Schema = m.Name(), m.Schema()
		state, err = Fold(m, events)
	}
	if err != nil {
		return rec, err
	}
	if rec.State, err = json.Marshal(state); err != nil {
		return rec, fmt.Errorf("encode: %w", err)
	}
	return rec, nil
}

// cutPlace takes a [PlaceName] apart.
func cutPlace(card string) (name, recipient string, ok bool) {
	i := strings.LastIndexByte(card, '/')
	if i < 0 {
		return card, "", false
	}
	return card[:i], card[i+1:], true
}

// envelope is an event with another envelope.
func envelope(e Event, raw []byte) (Event, error) {
	var in struct {
		By      Actor           `json:"by"`
		Command string          `json:"command"`
		Calls   []Call          `json:"calls"`
		Body    json.RawMessage `json:"body"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return e, fmt.Errorf("read what is left of an event: %w", err)
	}
	e.By, e.Command, e.Calls, e.Body = in.By, in.Command, in.Calls, in.Body
	return e, nil
}

// firstEnd says what must end before the person can be erased from a record; empty: nothing.
func firstEnd(machines []Machine, ref Ref, events []Event, s Subject) (string, error) {
	switch ref.Kind {
	case KindAccount:
		a, err := FoldRecord(ref, events, ApplyAccount)
		switch {
		case err != nil:
			return "", err
		case s.Names(a.Owner):
			return fmt.Sprintf("Account %s belongs to them (%s). Hand it to somebody else first.", ref.ID, a.Owner), nil
		case s.Names(string(a.Governance)):
			return fmt.Sprintf("The configuration of account %s still names them. Take them out of the file, and start keyholder run once.", ref.ID), nil
		}
	case KindWorkflow:
		m := MachineOf(machines, ref.ID)
		if m == nil {
			return fmt.Sprintf("%s: this version does not know what it is. Use the one that wrote it, or a newer one.",
				ref), nil
		}
		state, err := Fold(m, events)
		if err != nil {
			return "", fmt.Errorf("fold %s: %w", ref, err)
		}
		if state.Opened() && !state.Closed() && state.Title() != "" {
			return fmt.Sprintf("%s is open and names them: %s. End it first, or wait for its end.", ref.ID,
				Plain(state.Title(), nil)), nil
		}
		if calls := Owed(ref.ID, events); len(calls) > 0 && slices.ContainsFunc(calls, func(e Effect) bool {
			return e.Call != nil && s.Names(e.Call.Email)
		}) {
			return fmt.Sprintf("%s still has something to do at integrator.io for them. Wait until keyholder run has done it.", ref.ID), nil
		}
	}
	return "", nil
}
