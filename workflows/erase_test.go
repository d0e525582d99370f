package workflows_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"testing"

	"github.com/keyholder/keyholder/workflows"
)

// pat is somebody to erase.
var pat = workflows.Subject{IDs: []string{"U0PAT"}, Texts: []string{"pat@acme.example", "Pat Quinn", "Ünal Öz"},
	As: "U0ERASEDX"}

func TestAPersonIsReplacedInEveryTextAndNothingElseIsTouched(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":"U0PAT","b":[1, 2.50,true],"c":null}`: `{"a":"U0ERASEDX","b":[1, 2.50,true],"c":null}`,
		`{"U0PAT":1}`:                                     `{"U0ERASEDX":1}`,
		`{"a":"<@U0PAT>, U0PAT,U0PAT"}`:                   `{"a":"\u003c@U0ERASEDX\u003e, U0ERASEDX,U0ERASEDX"}`,
		`{"a":"U0PATRICK and XU0PAT and u0pat"}`:          "",
		`{"a":"PAT@acme.example"}`:                        `{"a":"u0erasedx@erased.invalid"}`,
		`{"a":"pat@acme.example."}`:                       `{"a":"u0erasedx@erased.invalid."}`,
		`{"a":"spat@acme.example"}`:                       "",
		`{"a":"mary-pat@acme.example"}`:                   "",
		`{"a":"says pat quinn, \"Pat Quinn\""}`:           `{"a":"says U0ERASEDX, \"U0ERASEDX\""}`,
		`{"a":"Pat Quinnell, Pat"}`:                       "",
		`{"a":"\u00dcnal \u00d6z"}`:                       `{"a":"U0ERASEDX"}`,
		`{"a":"\\\"U0PAT\\","b":"\\"}`:                    `{"a":"\\\"U0ERASEDX\\","b":"\\"}`,
		`{ "by" :{"kind":"person","id":"U0PAT"} , "x":1}`: `{ "by" :{"kind":"person","id":"U0ERASEDX"} , "x":1}`,
	} {
		got, changed, err := pat.Redact([]byte(text))
		if want == "" {
			want = text
		}
		if err != nil || string(got) != want || changed != (want != text) {
			t.Errorf("%s: %s, %v, %v", text, got, changed, err)
		}
	}
}

func TestAPersonIsReplacedInACompressedList(t *testing.T) {
	pack := func(text string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = io.WriteString(w, text)
		_ = w.Close()
		return base64.StdEncoding.EncodeToString(b.Bytes())
	}
	body, _ := json.Marshal(map[string]string{"list": pack(
		`[{"email":"pat@acme.example"},{"email":"ben@acme.example"}]`), "other": pack("ben")})
	out, changed, err := pat.Redact(body)
	if err != nil || !changed {
		t.Fatal(changed, err)
	}
	var got map[string]string
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	raw, _ := base64.StdEncoding.DecodeString(got["list"])
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(z)
	if string(text) != `[{"email":"u0erasedx@erased.invalid"},{"email":"ben@acme.example"}]` ||
		got["other"] != pack("ben") {
		t.Errorf("%s, %s", text, got["other"])
	}
}

// FuzzRedact holds that what is JSON stays it, names the person no more, and is left alone a second time.
func FuzzRedact(f *testing.F) {
	f.Add(`{"a":"U0PAT U0PAT","b":["pat@acme.example"]}`)
	f.Add(`"Pat Quinnpat quinn"`)
	f.Add(`"\ud800 İ U0PAT"`)
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) {
			return
		}
		out, changed, err := pat.Redact([]byte(text))
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if !json.Valid(out) || !changed && string(out) != text {
			t.Fatalf("%q became %q", text, out)
		}
		again, changed, err := pat.Redact(out)
		if err != nil || changed || !bytes.Equal(again, out) {
			t.Fatalf("%q is changed again: %q, %v", out, again, err)
		}
	})
}
