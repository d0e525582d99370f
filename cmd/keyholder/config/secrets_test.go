package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/rs/zerolog"
)

func TestSecretsNeverPrint(t *testing.T) {
	const token = "xoxb-very-secret"
	cfg := Default()
	cfg.Secrets = Secrets{SlackAppToken: token, SlackBotToken: token, SlackAPIURL: token, RedisURL: token,
		SealKeys: [][]byte{[]byte(token)}, AccountTokens: map[string]string{"acme": token}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%t", "%e"} {
		for _, value := range []any{cfg.Secrets, &cfg.Secrets, *cfg, cfg, []Secrets{cfg.Secrets},
			map[string]Secrets{"a": cfg.Secrets}} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
	}
	fmt.Fprintln(&out, cfg.Secrets, *cfg, cfg.Secrets.String(), cfg.Secrets.GoString())
	for _, value := range []any{cfg, cfg.Secrets, &cfg.Secrets} {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(text)
		if text, err = yaml.Marshal(value); err != nil {
			t.Fatal(err)
		}
		out.Write(text)
	}
	log := zerolog.New(&out)
	log.Info().Object("a", cfg.Secrets).Interface("b", cfg).Any("c", cfg.Secrets).EmbedObject(cfg.Secrets).Msgf("%v",
		cfg)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "a", cfg, "b", cfg.Secrets)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "a", cfg, "b", cfg.Secrets)
	hex := fmt.Sprintf("%x", token)
	if text := out.String(); strings.Contains(text, token) || strings.Contains(strings.ToLower(text), hex) ||
		!strings.Contains(text, redacted) {
		t.Errorf("a secret is shown:\n%s", text)
	}
}
