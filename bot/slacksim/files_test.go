package slacksim_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/keyholder/keyholder/bot/slacksim"
)

// fileForm opens a modal with a file_input for Ana and answers its id; what is submitted comes over the channel.
func fileForm(t *testing.T, o slacksim.Options) (*slacksim.Server, string, *app, string,
	chan slack.InteractionCallback) {
	t.Helper()
	s, url := workspace(t, o)
	got := make(chan slack.InteractionCallback, 8)
	a := connect(t, s, url, func(a *app, e socketmode.Event) {
		ack(a, e)
		switch d := e.Data.(type) {
		case slack.SlashCommand:
			_, _ = a.api.OpenView(d.TriggerID, modalOf(slack.NewInputBlock("proof",
				slack.NewTextBlockObject("plain_text", "Proof", false, false), nil,
				slack.NewFileInputBlockElement("proof").WithFileTypes("csv", "png").WithMaxFiles(2)),
				field("why", "Why")))
		case slack.InteractionCallback:
			got <- d
		}
	})
	must[slacksim.CommandResult](t)(s.SlashCommand(ctx(t), "UANA", "C0OPS", "/do", ""))
	wait(t, s, func(n *slacksim.Snapshot) bool { return len(n.Views("UANA")) == 1 })
	return s, url, a, s.Views("UANA")[0].ID, got
}

func TestAFileOfAModalReachesTheApp(t *testing.T) {
	s, url, a, view, got := fileForm(t, slacksim.Options{})
	data := []byte("a,b\n\x00\xff1,2\n")
	r, err := s.SubmitView(ctx(t), "UANA", view, map[string]map[string]any{
		"proof": {"proof": slacksim.Upload{Name: "Rows of Q4.csv", Data: data}}, "why": {"why": "so"}})
	if err != nil || r.Error != "" {
		t.Fatalf("%+v %v", r, err)
	}
	files := (<-got).View.State.Values["proof"]["proof"].Files
	if len(files) != 1 {
		t.Fatalf("%d files in the submission", len(files))
	}
	f := files[0]
	if f.Name != "Rows of Q4.csv" || f.Mimetype != "text/csv" || f.Filetype != "csv" || f.Size != len(data) ||
		f.User != "UANA" || f.Mode != "hosted" {
		t.Errorf("the file is %+v", f)
	}
	info, _, _, err := a.api.GetFileInfo(f.ID, 0, 0)
	if err != nil || info.URLPrivateDownload != f.URLPrivateDownload || !strings.HasPrefix(f.URLPrivateDownload,
		url+"/files-pri/T0ACME-"+f.ID+"/download/") {
		t.Errorf("files.info says %+v, %v; the submission said %s", info, err, f.URLPrivateDownload)
	}
	var out bytes.Buffer
	if err := a.api.GetFile(f.URLPrivateDownload, &out); err != nil || !bytes.Equal(out.Bytes(), data) {
		t.Errorf("downloaded %q, %v", out.Bytes(), err)
	}
}

// download gets an address with a token and without following redirects.
func download(t *testing.T, address, token string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx(t), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

func TestAPrivateFileWithoutTokenOrScopeIsAPageToSignIn(t *testing.T) {
	for name, o := range map[string]slacksim.Options{"without scope": {Scopes: []string{"commands", "chat:write"}},
		"with scope": {Scopes: []string{"commands", "files:read"}}} {
		t.Run(name, func(t *testing.T) {
			s, _, a, view, got := fileForm(t, o)
			if _, err := s.SubmitView(ctx(t), "UANA", view,
				map[string]map[string]any{"proof": {"proof": slacksim.Upload{Name: "a.csv", Data: []byte("x")}},
					"why": {"why": "so"}}); err != nil {
				t.Fatal(err)
			}
			f := (<-got).View.State.Values["proof"]["proof"].Files[0]
			_, _, _, infoErr := a.api.GetFileInfo(f.ID, 0, 0)
			for token, want := range map[string]int{"": 302, "xoxb-wrong": 302, "xapp-sim": 302,
				"xoxb-sim": map[bool]int{true: 200, false: 302}[name == "with scope"]} {
				res, text := download(t, f.URLPrivate, token)
				if res.StatusCode != want || want == 302 && (!strings.Contains(res.Header.Get("Location"),
					"/?redir=%2Ffiles-pri%2F") || !strings.Contains(res.Header.Get("Content-Type"), "text/html")) {
					t.Errorf("token %q: %s to %q: %s", token, res.Status, res.Header.Get("Location"), text)
				}
			}
			if missing := infoErr != nil && infoErr.Error() == "missing_scope"; missing != (name == "without scope") {
				t.Errorf("files.info: %v", infoErr)
			}
		})
	}
}

func TestAFileFieldTakesOnlyWhatItsElementSays(t *testing.T) {
	s, url, a, view, got := fileForm(t, slacksim.Options{})
	up := func(name string) slacksim.Upload { return slacksim.Upload{Name: name, Data: []byte("x")} }
	other := must[slacksim.File](t)(s.UploadFile("UBEN", up("bens.csv")))
	for name, v := range map[string]any{"type": up("a.exe"), "count": []slacksim.Upload{up("a.csv"), up("b.csv"),
		up("c.csv")}, "another's": other.ID, "none": "F0NONE",
		"empty": slacksim.Upload{Name: "a.csv"}, "large": slacksim.Upload{Name: "a.csv", Data: make([]byte, 10<<20+1)},
		"kind": 7} {
		if err := s.Fill("UANA", view, map[string]map[string]any{"proof": {"proof": v}}); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if r, err := s.SubmitView(ctx(t), "UANA", view, map[string]map[string]any{"why": {"why": "so"}}); err != nil ||
		!r.Local || r.Errors["proof"] == "" {
		t.Errorf("a required file was left out: %+v %v", r, err)
	}
	if _, _, _, err := a.api.GetFileInfo(other.ID, 0, 0); err == nil || err.Error() != "file_not_found" {
		t.Errorf("the app reads a file nobody gave it: %v", err)
	}
	// The same over HTTP: bytes first, then the id; or name and content at once.
	_, res := do(t, request(t, "POST", url+"/_sim/upload?user=UANA&name=one.PNG", "image/png", "\x89PNG"))
	if res.StatusCode != 200 {
		t.Fatal(res.Status)
	}
	var id string
	for _, f := range s.Files() {
		if f.Name == "one.PNG" {
			id = f.ID
		}
	}
	_, res = do(t, request(t, "POST", url+"/_sim/submit", "application/json", `{"user":"UANA","view_id":"`+view+
		`","values":{"why":{"why":"so"},"proof":{"proof":["`+id+`",{"name":"two.csv","content":"c,d"}]}}}`))
	if res.StatusCode != 200 {
		t.Fatal(res.Status)
	}
	files := (<-got).View.State.Values["proof"]["proof"].Files
	if len(files) != 2 || files[0].ID != id || files[0].Mimetype != "image/png" || files[1].Name != "two.csv" ||
		files[1].Size != 3 {
		t.Errorf("submitted %+v", files)
	}
}

func TestTheBotSharesFilesInDirectMessages(t *testing.T) {
	s, url := workspace(t, slacksim.Options{})
	a := connect(t, s, url, ack)
	dm := s.OpenDM("UANA")
	f := must[*slack.FileSummary](t)(a.api.UploadFile(slack.UploadFileParameters{Content: "a,b\n", Filename: "rows.csv",
		FileSize: 4, Channel: dm, Title: "Rows", InitialComment: "Here"}))
	l := s.Messages(dm)
	if len(l) != 1 || l[0].Text != "Here" || len(l[0].Files) != 1 || l[0].Files[0].ID != f.ID {
		t.Fatalf("the direct message holds %+v", l)
	}
	info, _, _, err := a.api.GetFileInfo(f.ID, 0, 0)
	if err != nil || info.IsPublic || len(info.IMs) != 1 || info.IMs[0] != dm || info.User != "U0BOT" {
		t.Errorf("files.info: %+v %v", info, err)
	}
	_, err = a.api.UploadFile(slack.UploadFileParameters{Content: "x", Filename: "x.csv", FileSize: 1, Channel: "UANA"})
	if err == nil || !strings.Contains(err.Error(), "invalid_arguments") {
		t.Errorf("a person's id as channel_id: %v", err)
	}
	up := must[*slack.GetUploadURLExternalResponse](t)(a.api.GetUploadURLExternalContext(ctx(t),
		slack.GetUploadURLExternalParameters{FileName: "b.csv", FileSize: 1}))
	if _, res := do(t, request(t, "POST", up.UploadURL, "application/octet-stream", "x")); res.StatusCode != 200 {
		t.Fatal(res.Status)
	}
	if _, res := do(t, request(t, "POST", url+"/api/files.completeUploadExternal?token=xoxb-sim", "application/json",
		`{"files":[{"id":"`+up.FileID+`"}],"channels":"UBEN"}`)); res.StatusCode != 200 {
		t.Fatal(res.Status)
	}
	if l := s.Messages(s.DM("UBEN")); len(l) != 1 || len(l[0].Files) != 1 || l[0].Files[0].ID != up.FileID {
		t.Errorf("Ben's direct message holds %+v", l)
	}
}
