package browsertest

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// names are those a Chromium may have, in the order of the Makefile.
var names = []string{"headless_shell", "headless-shell", "chromium", "chromium-browser", "google-chrome",
	"google-chrome-stable", "google-chrome-beta", "google-chrome-unstable"}

// closing is how long a browser may take to end by itself, before it is killed.
const closing = 30 * time.Second

// Start starts a browser with these options besides chromedp's and its own, and answers the context of
// its first tab. It lives until the test ends, or ctx. Where there is none, untried says what is left out.
func Start(ctx context.Context, t testing.TB, untried string, options ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	path := find(t, untried)
	all := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()),
		chromedp.NoSandbox) // it refuses root, and many containers have none; the pages are our own
	allocator, stop := chromedp.NewExecAllocator(ctx, append(all, options...)...)
	tab, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		end, over := context.WithTimeout(tab, closing)
		defer over()
		if err := chromedp.Cancel(end); err != nil {
			t.Logf("close the browser: %v", err)
		}
		cancel()
		stop()
	})
	// without a deadline of its own: the browser lives as long as the context of this call
	if err := chromedp.Do(tab); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return tab
}

func find(t testing.TB, untried string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("KEYHOLDER_REQUIRE_ALL") == "1" {
		t.Fatal("KEYHOLDER_REQUIRE_ALL=1, but no Chromium or Chrome is in PATH")
	}
	t.Skip("NOT TESTED: no Chromium or Chrome is in PATH: " + untried)
	return ""
}
