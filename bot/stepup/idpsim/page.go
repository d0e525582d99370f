package idpsim

import (
	"html/template"
	"net/http"
)

// pageText is the one page: whose passkey it is, yes or no, and what came of it.
var pageText = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Sign in</title>
<style>
body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f4f5f7;color:#1d1c1d;
display:grid;place-items:center;min-height:100vh}
main{background:#fff;border-radius:12px;padding:24px;max-width:360px;box-shadow:0 1px 4px #0003}
code{font-size:22px;letter-spacing:2px}
select,button,input{font:inherit;width:100%;padding:10px;margin:6px 0;border-radius:8px;border:1px solid #888;
box-sizing:border-box}
button.yes{background:#0b57d0;color:#fff;border:0}
@media(prefers-color-scheme:dark){body{background:#111;color:#eee}main{background:#1d1d1f}
select,input{background:#111;color:#eee}}
</style>
<main><h1>Sign in</h1>
{{if .Done}}<p role="status">{{.Done}}</p><p>You can close this page.</p>
{{else}}<p>A program asks who you are, with this code. Go on only if you have just asked for it yourself, and the
code is the one you see there.</p>
<form method="post">
{{if .Code}}<p><code>{{.Code}}</code></p><input type="hidden" name="user_code" value="{{.Code}}">
{{else}}<label>Code <input name="user_code" autocomplete="off"></label>{{end}}
<label>You are <select name="email">{{range .People}}
<option value="{{.Email}}">{{.Name}}, {{.Email}}</option>{{end}}</select></label>
<button class="yes" name="answer" value="yes">Yes, with my passkey</button>
<button name="answer" value="no">No, that was not me</button>
</form>{{end}}
</main>`))

func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	s.show(w, r.URL.Query().Get("user_code"), "")
}

func (s *Server) show(w http.ResponseWriter, code, done string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'")
	_ = pageText.Execute(w, map[string]any{"Code": code, "Done": done, "People": s.o.People})
}

func (s *Server) answered(w http.ResponseWriter, r *http.Request) {
	if origin := r.Header.Get("Origin"); origin != "" && origin != s.o.Issuer {
		http.Error(w, "from another page", http.StatusForbidden)
		return
	}
	yes := r.PostFormValue("answer") == "yes"
	done := "You said no."
	if yes {
		done = "You said yes."
	}
	if err := s.Answer(r.PostFormValue("user_code"), r.PostFormValue("email"), yes, s.o.Now()); err != nil {
		done = "That did not work: " + err.Error() + "."
	}
	s.show(w, "", done)
}
