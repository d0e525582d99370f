package npmtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// errNotAtHand wraps every reason for which a test is skipped.
var errNotAtHand = errors.New("not at hand")

// unreachable is how npm says that it did not get through to a registry.
var unreachable = regexp.MustCompile(
	`ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|ENOTCACHED|E50[0-9]`)

// Fetch copies a folder with package.json and package-lock.json into another one and installs there
// what they name, within a minute. [Demand] judges its error.
func Fetch(from, into string) error {
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%w: %w", errNotAtHand, err)
		}
	}
	version, err := exec.Command("node", "--version").Output()
	if err != nil {
		return fmt.Errorf("ask for Node's version: %w", err)
	}
	if len(version) < 4 || string(version[:3]) < "v20" || version[3] != '.' {
		return fmt.Errorf("%w: Node 20 or newer is needed, here is %s", errNotAtHand,
			strings.TrimSpace(string(version)))
	}
	if err := os.CopyFS(into, os.DirFS(from)); err != nil {
		return fmt.Errorf("copy what is to be fetched: %w", err)
	}
	limit, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	npm := exec.CommandContext(limit, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1",
		"--fetch-timeout=20000")
	npm.Dir, npm.WaitDelay = into, time.Second
	switch out, err := npm.CombinedOutput(); {
	case err == nil:
		return nil
	case limit.Err() != nil:
		return fmt.Errorf("%w: npm ci took more than a minute", errNotAtHand)
	case unreachable.Match(out):
		return fmt.Errorf("%w: npm reaches no registry", errNotAtHand)
	default:
		return fmt.Errorf("run npm ci: %w: %s", err, out)
	}
}

// Demand skips a test where an error of [Fetch] says that something is not at hand, and fails it for any
// other. what names it: "Slack's SDK".
func Demand(t testing.TB, what string, err error) {
	t.Helper()
	switch {
	case errors.Is(err, errNotAtHand):
		t.Skipf("NOT TESTED with %s: %v", what, err)
	case err != nil:
		t.Fatalf("%s: %v", what, err)
	}
}

// LeaveOut skips a test under -short.
func LeaveOut(t testing.TB, what string) {
	t.Helper()
	if testing.Short() {
		t.Skipf("NOT TESTED with %s: it is fetched from a registry, which -short leaves out", what)
	}
}

// Install fetches what a folder's files name into a folder of the test, and answers that one.
func Install(t testing.TB, what, from string) string {
	t.Helper()
	LeaveOut(t, what)
	dir := t.TempDir()
	Demand(t, what, Fetch(from, dir))
	return dir
}
