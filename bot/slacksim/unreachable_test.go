package slacksim_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/keyholder/keyholder/bot/slacksim"
)

func control(t *testing.T, base, path, body string) {
	t.Helper()
	if _, res := do(t, request(t, "POST", base+"/_sim/"+path, jsonType, body)); res.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s", path, body, res.Status)
	}
}

func wantError(t *testing.T, a answer, code string) {
	t.Helper()
	if got, _ := a["error"].(string); got != code {
		t.Errorf("answered %v, want the error %q", a, code)
	}
}

func TestWithoutTheMessagesTabNothingNewReachesAPersonAndWhatIsThereCanChange(t *testing.T) {
	_, base := workspace(t, slacksim.Options{})
	first := post(t, base, "chat.postMessage", map[string]string{"channel": "UANA", "text": "a"})
	control(t, base, "messages-tab", `{"on":false}`)
	for _, to := range []string{"UANA", "UBEN", first["channel"].(string)} {
		wantError(t, post(t, base, "chat.postMessage", map[string]string{"channel": to, "text": "b"}),
			"messages_tab_disabled")
	}
	wantError(t, post(t, base, "chat.update", map[string]string{"channel": first["channel"].(string),
		"ts": first["ts"].(string), "text": "c"}), "")
	wantError(t, post(t, base, "chat.postMessage", map[string]string{"channel": "C0OPS", "text": "d"}), "")
	control(t, base, "messages-tab", `{"on":true}`)
	wantError(t, post(t, base, "chat.postMessage", map[string]string{"channel": "UBEN", "text": "e"}), "")
}

func TestAnArchivedChannelAndOneWithoutTheAppTakeNothing(t *testing.T) {
	_, base := workspace(t, slacksim.Options{})
	first := post(t, base, "chat.postMessage", map[string]string{"channel": "C0OPS", "text": "a"})
	args := map[string]string{"channel": "C0OPS", "ts": first["ts"].(string), "text": "b"}
	control(t, base, "update-channel", `{"id":"C0OPS","is_archived":true}`)
	wantError(t, post(t, base, "chat.postMessage", args), "is_archived")
	wantError(t, post(t, base, "chat.update", args), "is_inactive")
	control(t, base, "update-channel", `{"id":"C0OPS","is_archived":false,"members":["UANA"]}`)
	post(t, base, "chat.postMessage", args)
	wantError(t, post(t, base, "conversations.info", map[string]string{"channel": "C0OPS"}), "")
	control(t, base, "update-channel", `{"id":"C0OPS","members":["UANA","U0BOT"],"is_ext_shared":true}`)
	info := post(t, base, "conversations.info", map[string]string{"channel": "C0OPS"})["channel"].(map[string]any)
	if info["is_ext_shared"] != true || info["is_member"] != true || info["name"] != "ops" {
		t.Errorf("after three changes the channel is %v", info)
	}
}

func TestARuleAboutOnePersonLeavesTheOthersAlone(t *testing.T) {
	s, base := workspace(t, slacksim.Options{})
	s.InjectFault(slacksim.Rule{Method: "users.info", About: "UBEN", Kind: slacksim.FaultAPIError,
		Reason: "internal_error"})
	s.InjectFault(slacksim.Rule{Method: "chat.postMessage", About: "UANA", Kind: slacksim.FaultAPIError,
		Reason: "messages_tab_disabled"})
	dm := s.OpenDM("UANA")
	wantError(t, post(t, base, "users.info", map[string]string{"user": "UBEN"}), "internal_error")
	wantError(t, post(t, base, "users.info", map[string]string{"user": "UANA"}), "")
	wantError(t, post(t, base, "chat.postMessage", map[string]string{"channel": dm, "text": "a"}),
		"messages_tab_disabled")
	wantError(t, post(t, base, "chat.postMessage", map[string]string{"channel": "UANA", "text": "a"}),
		"messages_tab_disabled")
	wantError(t, post(t, base, "chat.postMessage", map[string]string{"channel": "UBEN", "text": "a"}), "")
}

func TestARuleWithATimeEndsByItself(t *testing.T) {
	s, base := workspace(t, slacksim.Options{})
	s.InjectFault(slacksim.Rule{Method: "users.info", Kind: slacksim.FaultAPIError, For: time.Hour})
	control(t, base, "faults", `{"method":"auth.test","kind":"api_error","for":"1ns"}`)
	wantError(t, post(t, base, "auth.test", nil), "")
	wantError(t, post(t, base, "users.info", map[string]string{"user": "UANA"}), "internal_error")
}
