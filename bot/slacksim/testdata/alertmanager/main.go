// This program sends one alert by Alertmanager's own notifier for Slack, with its default templates, and prints its
// verdict as one line. Arguments: where to post, a bot token (empty for an incoming webhook), a channel, "firing" or
// "resolved".
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"time"

	"github.com/prometheus/alertmanager/alert"
	amcommoncfg "github.com/prometheus/alertmanager/config/common"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/notify/slack"
	"github.com/prometheus/alertmanager/template"
	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
)

func main() {
	if err := send(os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		fmt.Println("failed:", err)
		return
	}
	fmt.Println("sent")
}

func send(address, token, channel, status string) error {
	to, err := url.Parse(address)
	if err != nil {
		return err
	}
	tmpl, err := template.FromGlobs(nil)
	if err != nil {
		return err
	}
	tmpl.ExternalURL = &url.URL{Scheme: "https", Host: "alerts.acme.example"}
	cfg := slack.DefaultSlackConfig
	cfg.HTTPConfig, cfg.Channel, cfg.APIURL = &commoncfg.HTTPClientConfig{}, channel, &amcommoncfg.SecretURL{URL: to}
	if token != "" {
		cfg.HTTPConfig.Authorization = &commoncfg.Authorization{Type: "Bearer", Credentials: commoncfg.Secret(token)}
	}
	n, err := slack.New(&cfg, tmpl, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	ctx = notify.WithGroupKey(ctx, "{}:{alertname=NotReady}")
	ctx = notify.WithGroupLabels(ctx, model.LabelSet{"alertname": "NotReady"})
	ctx = notify.WithReceiverName(ctx, "slack")
	a := model.Alert{Labels: model.LabelSet{"alertname": "NotReady", "severity": "critical"},
		Annotations: model.LabelSet{"summary": "The bot is not ready"}, StartsAt: time.Now().Add(-time.Minute)}
	if status == "resolved" {
		a.EndsAt = time.Now().Add(-time.Second)
	}
	return n.Notify(ctx, alert.New(a, time.Now(), false)).Err()
}
