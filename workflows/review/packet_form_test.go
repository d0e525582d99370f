package review

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// pages are the forms that somebody sees who turns from the first page to the last.
func (w *world) pages(who, id string) []workflows.Modal {
	w.t.Helper()
	if err := w.click(who, ActOpen, id, nil, 0); err != nil {
		w.t.Fatalf("open: %v", err)
	}
	out := []workflows.Modal{*w.last.Modal}
	for slices.Contains(actionsOf(out[len(out)-1])[0], ActNext) {
		if err := w.click(who, ActNext, id, map[string]string{}, out[len(out)-1].Page); err != nil {
			w.t.Fatalf("turn: %v", err)
		}
		out = append(out, *w.last.Modal)
	}
	return out
}

// actionsOf are the buttons of each block of them.
func actionsOf(m workflows.Modal) [][]string {
	var out [][]string
	for _, in := range m.Inputs {
		if in.Kind == workflows.BlockButtons {
			var names []string
			for _, b := range in.Buttons {
				names = append(names, b.Action)
			}
			out = append(out, names)
		}
	}
	return out
}

func crowd(n int) func(*world) {
	return func(w *world) {
		for i := range n {
			w.users[""] = append(w.users[""], w.user(fmt.Sprintf("u%02d@acme.example", i),
				workflows.RoleAdministrator, 14))
		}
	}
}

func TestEachPageHasItsButtonsAboveAndBelowAndNothingChosenThatNobodyDecided(t *testing.T) {
	w := alone(t, crowd(2*PageRows))
	id := w.packet("Dee").ID
	pages := w.pages("Dee", id)
	if rows := len(w.packet("Dee").Rows); len(pages) != (rows+PageRows-1)/PageRows || len(pages) < 3 {
		t.Fatalf("%d pages of %d rows", len(pages), rows)
	}
	for i, m := range pages {
		blocks := actionsOf(m)
		if len(blocks) != 2 || !slices.Equal(blocks[0], blocks[1]) ||
			m.Inputs[0].Kind != workflows.BlockButtons || m.Inputs[len(m.Inputs)-1].Kind != workflows.BlockButtons {
			t.Errorf("page %d has the buttons %v, not above and below alike", i+1, blocks)
		}
		if slices.Contains(blocks[0], ActPrev) != (i > 0) || slices.Contains(blocks[0], ActNext) != (i < len(pages)-1) {
			t.Errorf("page %d of %d turns by %v", i+1, len(pages), blocks[0])
		}
		for _, in := range m.Inputs {
			if in.Initial != "" {
				t.Errorf("page %d: %q stands in %s, and nobody has decided", i+1, in.Initial, in.Block)
			}
			if strings.HasPrefix(in.Block, BlockRow) && strings.Contains(in.Label, "u0") &&
				!strings.Contains(in.Hint, "(14 days ago)") {
				t.Errorf("%s does not say how long ago: %s", in.Label, in.Hint)
			}
		}
	}
}

func TestTakingBackAsksWithTheAddressesItIsAbout(t *testing.T) {
	w := alone(t, nil)
	p := w.packet("Dee")
	eve := w.rowOf(p, "eve@acme.example")
	if err := w.click("Dee", ActNext, p.ID, map[string]string{BlockRow + eve: population.Remove}, 1); err != nil {
		t.Fatal(err)
	}
	question := func() string {
		p := w.packet("Dee")
		i := slices.IndexFunc(p.buttons(0).Buttons, func(b workflows.Button) bool { return b.Action == ActUndo })
		return p.buttons(0).Buttons[i].Confirm.Text
	}
	if got := question(); !strings.Contains(got, "eve@acme.example. It is open again") {
		t.Errorf("the question is %q", got)
	}
	if err := w.click("Dee", ActNext, p.ID, map[string]string{BlockRow + eve: population.Keep}, 1); err != nil {
		t.Fatal(err)
	}
	if got := question(); !strings.Contains(got, "eve@acme.example. What was decided there before counts again") {
		t.Errorf("the question is %q", got)
	}
}

func TestSigningTooEarlyIsAnsweredAtOnceWithTheRowsAndTheWayToThem(t *testing.T) {
	w := alone(t, crowd(PageRows))
	p := w.packet("Dee")
	sign := func() workflows.Button {
		c := w.packet("Dee").card("UDEE")
		return c.Buttons[slices.IndexFunc(c.Buttons, func(b workflows.Button) bool { return b.Action == ActSign })]
	}
	if q := sign().Confirm; q != nil {
		t.Errorf("before it is refused it asks %q", q.Text)
	}
	decided := map[string]string{}
	for _, r := range p.Rows {
		n := fmt.Sprint(r.N)
		decided[BlockRow+n], decided[BlockReason+n] = population.Keep, "Needed"
		if r.Email == "lou@acme.example" || r.Email == "max@acme.example" {
			decided[BlockRow+n] = population.Remove
		}
	}
	last := fmt.Sprint(len(p.Rows))
	delete(decided, BlockRow+last)
	if err := w.click("Dee", FormPacket, p.ID, decided, 1); err != nil {
		t.Fatal(err)
	}
	err := w.click("Dee", ActSign, p.ID, nil, 0)
	r, refused := errors.AsType[*workflows.Refusal](err)
	if !refused || r.Code != "rows_open" || r.Way == nil || r.Way.Button.Action != ActOpen {
		t.Fatalf("signing is answered with %v", err)
	}
	page := (len(p.Rows)-1)/PageRows + 1
	want := p.Rows[len(p.Rows)-1].Email + fmt.Sprintf(" (row %s, page %d)", last, page)
	if !strings.Contains(r.Text, want) {
		t.Errorf("%q does not name %s", r.Text, want)
	}
	if err := w.click("Dee", r.Way.Button.Action, p.ID, nil, 0); err != nil || w.last.Modal.Page != page {
		t.Errorf("the way leads to page %v, %v", w.last.Modal, err)
	}
	if err := w.click("Dee", FormPacket, p.ID, map[string]string{BlockRow + last: population.Remove},
		page); err != nil {
		t.Fatal(err)
	}
	q := sign().Confirm
	if q == nil {
		t.Fatal("signing asks nothing")
	}
	for _, want := range []string{"to remove: ", "lou@acme.example", "max@acme.example", Acknowledgement,
		"your name."} {
		if !strings.Contains(q.Text, want) {
			t.Errorf("the question %q does not say %q", q.Text, want)
		}
	}
	if n := len(q.Text); n > 300 {
		t.Errorf("the question has %d characters, and Slack takes 300: %s", n, q.Text)
	}
}
