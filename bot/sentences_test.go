package bot

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/keyholder/keyholder/workflows"
)

// everyCode reads the constants code… of command.go, so that a new one cannot be forgotten here.
func everyCode(t *testing.T) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "command.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, "code") {
			return true
		}
		if lit, ok := spec.Values[0].(*ast.BasicLit); ok {
			v, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, v)
		}
		return true
	})
	return out
}

func TestEveryCodeHasASentenceAndANextStep(t *testing.T) {
	b := &Bot{o: Options{Command: "/io"}}
	codes := everyCode(t)
	if len(codes) < 20 {
		t.Fatalf("only %d codes found", len(codes))
	}
	for _, code := range codes {
		if code == codeRefused { // brings its own sentence
			continue
		}
		if s, ok := sayings[code]; !ok || s.what == "" || s.next == "" {
			t.Errorf("%s has no sentence or no next step: %+v", code, s)
		}
		for _, kind := range []string{kindClick, kindSubmit, kindSlash} {
			got, text := b.sentence(kind, coded(code), "7f3a")
			if got != code || !strings.Contains(text, ". ") || strings.Contains(text, "{command}") ||
				strings.Contains(text, "!") {
				t.Errorf("%s, %s: %q", kind, code, text)
			}
			if withRef[code] != strings.HasSuffix(text, "(ref 7f3a)") {
				t.Errorf("%s, %s: the reference of %q", kind, code, text)
			}
		}
	}
	for _, table := range []map[string]saying{sayings, formSayings, commandSayings} {
		for code, s := range table {
			if s.what == "" || s.next == "" || sayings[code].what == "" {
				t.Errorf("%s: %+v", code, s)
			}
		}
	}
}

func TestEverySentinelHasACodeOfItsOwn(t *testing.T) {
	for err, want := range map[error]string{
		workflows.ErrUnclear: codeUnclear, workflows.ErrAway: codeAway, workflows.ErrNoWorkflow: codeNoWorkflow,
		workflows.ErrStaleFacts: codeStale,
		workflows.ErrConflict:   codeConflict, workflows.ErrUnknownEvent: codeNewer, workflows.ErrDoubted: codeDoubted,
		context.DeadlineExceeded: codeUnclear, context.Canceled: codeUnclear,
		errors.New("anything"): codeInternal, workflows.ErrLeaseLost: codeInternal,
	} {
		if got := codeOf(fmt.Errorf("wrapped: %w", err)); got != want {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
	}
	away := fmt.Errorf("facts: %w: %w", workflows.ErrAway, context.DeadlineExceeded)
	if got := codeOf(away); got != codeAway {
		t.Errorf("a look-up that timed out before anything was stored: %s", got)
	}
	for _, standing := range []string{workflows.StandingGuest, workflows.StandingBot, workflows.StandingDeactivated,
		workflows.StandingForeign,
		workflows.StandingInvited, workflows.StandingUnknown} {
		if sayings[standingCodes[standing]].what == "" {
			t.Errorf("standing %s has no sentence", standing)
		}
	}
}

func TestReferencesAreShort(t *testing.T) {
	if r := newRef(); len(r) != 4 {
		t.Errorf("%q", r)
	}
}
