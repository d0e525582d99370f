package bot

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/keyholder/keyholder/bot/draw"
	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows"
)

func menuOf(n int, name string) []workflows.Option {
	var out []workflows.Option
	for i := range n {
		out = append(out, workflows.Option{Value: fmt.Sprintf("%024x", i), Label: fmt.Sprintf("%s %04d", name, i)})
	}
	return out
}

// offered are the values of a menu of an open form, in groups or not.
func offered(t *testing.T, view any, block string) (values []string, groups int) {
	t.Helper()
	raw, err := json.Marshal(view)
	if err != nil {
		t.Fatal(err)
	}
	type option struct{ Value string }
	var v struct {
		Blocks []struct {
			ID      string `json:"block_id"`
			Hint    struct{ Text string }
			Element struct {
				Options []option
				Groups  []struct {
					Options []option
				} `json:"option_groups"`
			}
		}
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	for _, b := range v.Blocks {
		if b.ID != block {
			continue
		}
		for _, o := range b.Element.Options {
			values = append(values, o.Value)
		}
		for _, g := range b.Element.Groups {
			groups++
			for _, o := range g.Options {
				values = append(values, o.Value)
			}
		}
	}
	return values, groups
}

func TestMenusOfMoreThanAHundredAreWholeAndSlackTakesThem(t *testing.T) {
	for _, n := range []int{1, 100, 101, 120, 1000} {
		r := running(t, slacksim.Options{})
		r.desk.accounts = nil
		for i := range n {
			r.desk.accounts = append(r.desk.accounts, workflows.AccountInfo{
				Policy: workflows.Policy{ID: fmt.Sprintf("acme-%d", i), Name: fmt.Sprintf("Acme no. %d", i)}})
		}
		last := fmt.Sprintf("acme-%d", n-1)
		if text := r.slash("UANA", "transfer "+last); text != "" {
			t.Fatal(text)
		}
		r.until(func(*slacksim.Snapshot) bool { return len(r.sim.Views("UANA")) == 1 })
		v := r.sim.Views("UANA")[0]
		values, groups := offered(t, v, "account")
		if len(values) != n || values[n-1] != last || (groups > 0) != (n > 100) {
			t.Errorf("%d accounts: %d values in %d groups", n, len(values), groups)
		}
		if _, err := r.sim.SubmitView(r.ctx(), "UANA", v.ID, map[string]map[string]any{"account": {"account": last},
			"reason": {"reason": "x"}}); err != nil {
			t.Fatal(err)
		}
		if c := r.desk.seen(); len(c) != 1 || c[0].Input["account"] != last {
			t.Errorf("%d accounts: %+v", n, c)
		}
	}
}

func TestMenusThatDoNotFitKeepWhatIsChosenAndSayHowToNameTheRest(t *testing.T) {
	for name, inputs := range map[string][]workflows.Input{
		"accounts": {{Block: "account", Kind: workflows.InputSelect, Label: "Account",
			Options: menuOf(12_000, "Account"), Initial: fmt.Sprintf("%024x", 11_999), More: "Name it."}},
		"long names": {{Block: "account", Kind: workflows.InputSelect, Label: "Account",
			Options: menuOf(3000, strings.Repeat("界", 70)), Initial: fmt.Sprintf("%024x", 2999), More: "Name it."}},
		"two of a kind": {{Block: "account", Kind: workflows.InputMulti, Label: "A", Options: menuOf(2000, "Flow"),
			Initial: fmt.Sprintf("%024x\n%024x", 1, 1999), More: "Name it."},
			{Block: "monitor", Kind: workflows.InputMulti, Label: "B", Options: menuOf(2000, "Flow"), More: "Name it."},
			{Block: "small", Kind: workflows.InputSelect, Label: "C", Options: menuOf(7, "Small")}},
	} {
		m := workflows.Modal{Callback: "transfer.request", Title: "T", Action: "transfer.request",
			Round: workflows.NoRound, Inputs: inputs}
		v, err := draw.RenderModal(m)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		values, _ := offered(t, v, "account")
		for want := range strings.SplitSeq(inputs[0].Initial, "\n") {
			if !strings.Contains(strings.Join(values, " "), want) {
				t.Errorf("%s: what is chosen is not offered", name)
			}
		}
		raw, _ := json.Marshal(v)
		if text := string(raw); !strings.Contains(text, fmt.Sprintf("%d of %d are listed. Name it.", len(values),
			len(inputs[0].Options))) {
			t.Errorf("%s: nothing says that some are missing (%d of %d)", name, len(values), len(inputs[0].Options))
		}
		if small, _ := offered(t, v, "small"); len(inputs) == 3 && len(small) != 7 {
			t.Errorf("%s: the short menu has %d", name, len(small))
		}
		if len(inputs[0].Options) < 2000 || inputs[0].Hint != "" {
			t.Errorf("%s: the form that was given is changed", name)
		}
	}
}

// The trigger of a form lives for 3 s.
func BenchmarkFormOfTenThousandAccounts(b *testing.B) {
	m := workflows.Modal{Callback: "a.b", Inputs: []workflows.Input{{Block: "account", Kind: workflows.InputSelect,
		Label: "A", Options: menuOf(10_000, "Account")}}}
	for b.Loop() {
		if _, err := draw.RenderModal(m); err != nil {
			b.Fatal(err)
		}
	}
}
