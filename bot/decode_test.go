package bot

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/keyholder/keyholder/workflows"
)

func onlyTransfer(m string) bool { return m == "transfer" }

const (
	goodClick = `{"type":"block_actions","user":{"id":"UANA","team_id":"T1"},"trigger_id":"1.2.x","response_url":"https://hooks.slack.example/x",
 "channel":{"id":"D1"},"container":{"type":"message","message_ts":"1.1","channel_id":"D1","thread_ts":"1.0"},"message":{"blocks":[{"type":"something_new","x":[1]}]},
 "actions":[{"type":"button","action_id":"transfer.confirm","block_id":"transfer:3","value":"t07-7KQ2M9XA","action_ts":"170.1"}]}`
	goodReason = `{"type":"view_submission","user":{"id":"UANA","team_id":"T1"},"view":{"id":"V1","callback_id":"transfer.reason",
 "private_metadata":"{\"workflow\":\"t07-7KQ2M9XA\",\"account\":\"acme\",\"action\":\"transfer.refuse\",\"round\":3}",
 "blocks":[{"type":"section","block_id":"s"},{"type":"input","block_id":"reason"}],"state":{"values":{"reason":{"reason":{"type":"plain_text_input","value":" no "}}}}}}`
	goodRequest = `{"type":"view_submission","user":{"id":"UANA","team_id":"T1"},"view":{"id":"V2","callback_id":"transfer.request","private_metadata":"",
 "blocks":[{"type":"input","block_id":"account"}],"state":{"values":{
  "account":{"account":{"type":"static_select","selected_option":{"value":"acme"}}},
  "new_owner_alias":{"new_owner_alias":{"type":"static_select","selected_option":null}},
  "new_owner_person":{"new_owner_person":{"type":"users_select","selected_user":"UBEN"}},
  "many":{"many":{"type":"multi_static_select","selected_options":[{"value":"a"},{"value":"b"}]}},
  "reason":{"reason":{"type":"plain_text_input","value":null}}}}}}`
)

func TestClickIsDecoded(t *testing.T) {
	a := decode("interactive", json.RawMessage(goodClick), onlyTransfer)
	if a.fault != "" || a.kind != kindClick || a.cmd.Name != "transfer.confirm" || a.cmd.Workflow != "t07-7KQ2M9XA" || a.cmd.Round != 3 || a.cmd.Submitted ||
		a.cmd.Actor != (workflows.Actor{Kind: workflows.ByPerson, ID: "UANA", Team: "T1"}) || a.who.channel != "D1" || a.who.thread != "1.0" {
		t.Errorf("%+v", a)
	}
	again := decode("interactive", json.RawMessage(strings.Replace(goodClick, "1.2.x", "9.9.y", 1)), onlyTransfer)
	if again.cmd.ID != a.cmd.ID {
		t.Error("the same click told again is another command")
	}
	for _, change := range [][2]string{{"170.1", "170.2"}, {"UANA", "UBEN"}, {"transfer.confirm", "transfer.refuse"}, {"7KQ2M9XA", "7KQ2M9XB"}} {
		if b := decode("interactive", json.RawMessage(strings.Replace(goodClick, change[0], change[1], 1)), onlyTransfer); b.fault != "" || b.cmd.ID == a.cmd.ID {
			t.Errorf("%v: another click is the same command: %+v", change, b)
		}
	}
}

func TestFormsAreDecoded(t *testing.T) {
	a := decode("interactive", json.RawMessage(goodReason), onlyTransfer)
	if a.fault != "" || a.opened || a.cmd.Name != "transfer.refuse" || a.cmd.Workflow != "t07-7KQ2M9XA" || a.cmd.Account != "acme" || a.cmd.Round != 3 || !a.cmd.Submitted ||
		a.cmd.Input["reason"] != "no" || a.form.first() != "reason" {
		t.Errorf("reason: %+v", a)
	}
	a = decode("interactive", json.RawMessage(goodRequest), onlyTransfer)
	want := map[string]string{"account": "acme", "new_owner_person": "UBEN", "many": "a\nb"}
	if a.fault != "" || !a.opened || a.cmd.Name != "transfer.request" || a.cmd.Workflow != "" || a.cmd.Account != "acme" || a.cmd.Round != workflows.NoRound || len(a.cmd.Input) != len(want) {
		t.Errorf("request: %+v", a)
	}
	for k, v := range want {
		if a.cmd.Input[k] != v {
			t.Errorf("%s = %q", k, a.cmd.Input[k])
		}
	}
}

func TestWhatMakesNoSenseIsNoCommand(t *testing.T) {
	for _, c := range []struct{ from, old, new, fault string }{
		{goodClick, `"transfer.confirm"`, `"transfer"`, codeMalformed},
		{goodClick, `"transfer.confirm"`, `"Transfer.confirm"`, codeMalformed},
		{goodClick, `"transfer.confirm"`, `7`, codeMalformed},
		{goodClick, `"transfer:3"`, `"transfer:03"`, codeMalformed},
		{goodClick, `"transfer:3"`, `"transfer:+3"`, codeMalformed},
		{goodClick, `"transfer:3"`, `"transfer:"`, codeMalformed},
		{goodClick, `"transfer:3"`, `"access:3"`, codeMalformed},
		{goodClick, `"t07-7KQ2M9XA"`, `"t07_7KQ2M9XA"`, codeMalformed},
		{goodClick, `"t07-7KQ2M9XA"`, `""`, codeMalformed},
		{goodClick, `"UANA"`, `""`, codeMalformed},
		{goodClick, `"UANA"`, `"U<!channel>"`, codeMalformed},
		{goodClick, `"T1"`, `"T1/../x"`, codeMalformed},
		{goodClick, `"actions":[`, `"actions":[],"more":[`, codeMalformed},
		{goodClick, `"actions":[`, `"actions":[{},`, codeMalformed},
		{strings.ReplaceAll(goodClick, "transfer", "evil"), "", "", codeUnknownButton},
		{goodReason, `\"round\":3`, `\"round\":-1`, codeBadForm},
		{goodReason, `\"round\":3`, `\"round\":\"3\"`, codeBadForm},
		{goodReason, `transfer.refuse`, `access.refuse`, codeBadForm},
		{goodReason, `transfer.refuse`, `transfer.request`, codeBadForm},
		{goodReason, `t07-7KQ2M9XA`, `nowhere`, codeBadForm},
		{goodReason, `\"acme\"`, `\"../acme\"`, codeBadForm},
		{goodReason, `{\"workflow\"`, `[\"workflow\"`, codeBadForm},
		{goodReason, `"V1"`, `""`, codeBadForm},
		{goodReason, `"transfer.reason"`, `"reason"`, codeBadForm},
		{strings.ReplaceAll(goodReason, "transfer", "evil"), "", "", codeUnknownForm},
		{goodRequest, `{"account":{"type"`, `{"b":{},"account":{"type"`, codeBadForm},
	} {
		payload := strings.Replace(c.from, c.old, c.new, 1)
		a := decode("interactive", json.RawMessage(payload), onlyTransfer)
		if a.fault != c.fault || a.cmd.Name != "" || a.cmd.ID != "" {
			t.Errorf("%s -> %s: fault %q, want %q; command %+v", c.old, c.new, a.fault, c.fault, a.cmd)
		}
	}
}

// FuzzDecode holds that nothing panics and that a command comes only of what is well formed.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{goodClick, goodReason, goodRequest} {
		f.Add("interactive", []byte(s))
	}
	f.Add("slash_commands", []byte(`{"team_id":"T1","user_id":"UANA","command":"/io","text":"status"}`))
	f.Add("events_api", []byte(`{"event":{"type":"app_home_opened","user":"UANA","tab":"home"}}`))
	f.Add("interactive", []byte(`{"type":"view_submission","view":{"state":{"values":{"a":{"b":{"value":1}}}}}}`))
	f.Add("", []byte(`null`))
	f.Fuzz(func(t *testing.T, kind string, payload []byte) {
		a := decode(kind, payload, onlyTransfer)
		if a.fault != "" || (a.kind != kindClick && a.kind != kindSubmit) {
			if a.cmd.ID != "" || a.cmd.Name != "" || a.cmd.Workflow != "" {
				t.Fatalf("a command although %q: %+v", a.fault, a.cmd)
			}
			return
		}
		c := a.cmd
		name := actionPattern.FindStringSubmatch(c.Name)
		_, _, idOK := workflows.ParseID(c.Workflow)
		if name == nil || name[1] != "transfer" || (!idOK && !a.opened) || c.Round < workflows.NoRound || !personPattern.MatchString(c.Actor.ID) ||
			c.Actor.Kind != workflows.ByPerson || c.ID == "" || c.Submitted != (a.kind == kindSubmit) {
			t.Fatalf("command %+v", c)
		}
		if a.opened != strings.HasSuffix(c.Name, requestCallback) && a.kind == kindSubmit {
			t.Fatalf("opening: %+v", a)
		}
	})
}
