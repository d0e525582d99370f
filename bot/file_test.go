package bot

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/bot/roster"
	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/workflows"
)

// fileServer is a Slack that hands out one file, to whoever shows the bot's token.
type fileServer struct {
	*httptest.Server
	mu     sync.Mutex
	answer func(w http.ResponseWriter, r *http.Request)
	asked  []string // path and token of each request
}

func newFileServer(t *testing.T, answer func(http.ResponseWriter, *http.Request)) *fileServer {
	f := &fileServer{answer: answer}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.asked = append(f.asked, r.URL.Path+" "+r.Header.Get("Authorization"))
		f.mu.Unlock()
		f.answer(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *fileServer) requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.asked...)
}

// fileBot is a bot whose Web API is that server.
func fileBot(t *testing.T, api string) *Bot {
	t.Helper()
	road, err := slackapi.New(slackapi.Options{AppToken: simApp, BotToken: simBot, URL: api, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(road.CloseIdleConnections)
	b, err := New(Options{API: road, People: roster.New(road, time.Now, nil), Desk: &deskStub{}, Now: time.Now,
		Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// fetched brings one file of a form into a command.
func fetched(t *testing.T, b *Bot, f ...wireFile) (workflows.Command, error) {
	v := &visit{b: b, at: time.Now(), ack: &ack{b: b}, arrival: arrival{files: map[string][]wireFile{"file": f},
		cmd: workflows.Command{Input: map[string]string{"environment": "production"}}}}
	err := v.fetchFiles(t.Context())
	return v.cmd, err
}

func TestFileOfAFormIsReadWithTheTokenBeforeTheRecordIsAsked(t *testing.T) {
	const csv = "email,role\nana@acme.example,manage\n"
	s := newFileServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/csv")
		_, _ = io.WriteString(w, csv)
	})
	c, err := fetched(t, fileBot(t, s.URL+"/api"), wireFile{ID: "F1", Name: "users.csv", Size: int64(len(csv)),
		URLDownload: s.URL + "/files-pri/T1-F1/download/users.csv"})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(csv))
	if c.Input["file"] != csv || c.Input["file"+workflows.FileName] != "users.csv" ||
		c.Input["file"+workflows.FileHash] != hex.EncodeToString(sum[:]) || c.Input["environment"] != "production" {
		t.Errorf("%+v", c.Input)
	}
	if got := s.requests(); len(got) != 1 || got[0] != "/files-pri/T1-F1/download/users.csv Bearer "+simBot {
		t.Errorf("%v", got)
	}
}

func TestFileThatCannotBeReadIsSaidAtItsField(t *testing.T) {
	other := newFileServer(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "stolen") })
	for _, c := range []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request)
		file   wireFile
		want   string
	}{
		{"sent on to the page for signing in", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+"/login", http.StatusFound)
		}, wireFile{URLDownload: "/f"}, "files:read"},
		{"the page for signing in itself", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, "<html>Sign in</html>")
		}, wireFile{URLDownload: "/f"}, "files:read"},
		{"deleted meanwhile", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
		}, wireFile{URLDownload: "/f"}, "does not hand the file out"},
		{"Slack's own trouble", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
		}, wireFile{URLDownload: "/f"}, "in time"},
		{"too large by what Slack says", nil, wireFile{URLDownload: "/f", Size: MaxFile + 1}, "5 MB"},
		{"too large whatever Slack says", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(make([]byte, MaxFile+1))
		}, wireFile{URLDownload: "/f", Size: 3}, "5 MB"},
		{"no address, and no scope to ask for it", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"ok":false,"error":"missing_scope","needed":"files:read"}`)
		}, wireFile{ID: "F1"}, "files:read"},
		{"no address, and nothing is known of it", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"ok":false,"error":"file_not_found"}`)
		}, wireFile{ID: "F1"}, "does not hand the file out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newFileServer(t, c.answer)
			if c.file.URLDownload != "" {
				c.file.URLDownload = s.URL + c.file.URLDownload
			}
			cmd, err := fetched(t, fileBot(t, s.URL+"/api"), c.file)
			var r *workflows.Refusal
			if !errors.As(err, &r) || r.Field != "file" || !strings.Contains(r.Text, c.want) ||
				!strings.HasPrefix(r.Text, "Not recorded: ") {
				t.Errorf("%v", err)
			}
			if _, there := cmd.Input["file"]; there {
				t.Error("something is in the command")
			}
		})
	}
	if got := other.requests(); len(got) != 0 {
		t.Errorf("a redirect was followed: %v", got)
	}
}

func TestFileWithoutAnAddressIsAskedFor(t *testing.T) {
	var s *fileServer
	s = newFileServer(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/files.info") {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w,
				`{"ok":true,"file":{"id":"F1","name":"users.csv","size":3,"url_private_download":"`+s.URL+`/f"}}`)
			return
		}
		_, _ = io.WriteString(w, "a,b")
	})
	c, err := fetched(t, fileBot(t, s.URL+"/api"), wireFile{ID: "F1"})
	if err != nil || c.Input["file"] != "a,b" || c.Input["file.name"] != "users.csv" {
		t.Errorf("%+v, %v", c.Input, err)
	}
}

func TestSeveralFilesAreOneTooMany(t *testing.T) {
	_, err := fetched(t, fileBot(t, ""), wireFile{ID: "F1"}, wireFile{ID: "F2"})
	var r *workflows.Refusal
	if !errors.As(err, &r) || !strings.Contains(r.Text, "one file") {
		t.Errorf("%v", err)
	}
}

func TestSlowFileDoesNotUseUpTheAcknowledgement(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := newFileServer(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	start := time.Now()
	_, err := fetched(t, fileBot(t, s.URL+"/api"), wireFile{URLDownload: s.URL + "/f"})
	var r *workflows.Refusal
	if !errors.As(err, &r) || !strings.Contains(r.Text, "in time") || time.Since(start) > DeskBudget {
		t.Errorf("%v after %v", err, time.Since(start))
	}
}
