package bot

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows"
)

// TestWhoHasTheAccountComparedOnlyForThoseWhoMayRead: whoever looks who has access, to an account
// or what one person has, has it compared with the record as well.
func TestWhoHasTheAccountComparedOnlyForThoseWhoMayRead(t *testing.T) {
	var mu sync.Mutex
	var looked []string
	r := running(t, slacksim.Options{}, func(o *Options) {
		o.Census = func(context.Context, string, string) (workflows.Census, error) {
			return workflows.Census{Users: []workflows.User{{Email: "ben@acme.example", Role: "monitor",
				Status: workflows.UserAccepted}}}, nil
		}
		o.Looked = func(account string) {
			mu.Lock()
			defer mu.Unlock()
			looked = append(looked, account)
		}
	})
	r.desk.accounts = []workflows.AccountInfo{acme}
	r.desk.readers = map[string]bool{"UANA": true}
	for _, c := range []struct {
		who, text, want string
		looks           []string
	}{
		{"UANA", "who acme", "Owner: jane@acme.example", []string{"acme"}},
		{"UANA", "who <@UBEN>", "Acme Production", []string{"acme"}},
		{"UBEN", "who <@UBEN>", "Acme Production", []string{"acme"}}, // themselves
		{"UBEN", "who <@UANA>", "not shown", nil},
		{"UBEN", "who acme", "Only the holders", nil},
	} {
		mu.Lock()
		looked = nil
		mu.Unlock()
		if got := r.slash(c.who, c.text); !strings.Contains(got, c.want) {
			t.Errorf("%s /io %s: %q lacks %q", c.who, c.text, got, c.want)
		}
		mu.Lock()
		if !slices.Equal(looked, c.looks) {
			t.Errorf("%s /io %s: compared %v, want %v", c.who, c.text, looked, c.looks)
		}
		mu.Unlock()
	}
}
