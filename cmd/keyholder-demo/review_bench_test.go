package main

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/store/storetest"
)

// openedWide opens a review by forty reviewers of so many users, in this process and on a real Redis behind a proxy.
func openedWide(b *testing.B, users int) (*reader, *redisProxy, string) {
	b.Helper()
	server := storetest.Redis(b)
	proxy := proxyRedis(b, server.Addr)
	s := prepare(b, options{redisURL: proxy.url(0), edit: wide})
	s.crowdIn(users)
	s.bot(b)
	return &reader{stage: s, remove: map[string]bool{}}, proxy, server.Addr
}

// BenchmarkReviewPage measures turning a page of a review of 5,000 users: from Slack's envelope to
// the call that shows the next page, with what was chosen recorded. Slack's own time is left out.
// Beside it stands bare Redis with as many bytes.
func BenchmarkReviewPage(b *testing.B) {
	for _, width := range []int{1, 8} {
		b.Run(fmt.Sprintf("at-%d", width), func(b *testing.B) {
			if b.N > 1 {
				b.Skip("one round is a measurement of its own")
			}
			r, proxy, addr := openedWide(b, 5000)
			r.startWide()
			var saved commitsOf
			saved.watch(proxy, "packet.saved")
			abreast(b, panelOf()[:24], width, func(who string) error { return r.work(who, false) })
			proxy.on(nil, nil)
			pages := r.ours(0)
			inMilliseconds(b, "", pages)
			size := saved.size / max(saved.all, 1)
			plain := bare(b, addr, size/2, size, len(pages), width)
			b.ReportMetric(float64(pages[len(pages)/2])/float64(plain), "times-bare")
			b.ReportMetric(float64(size), "commit-bytes")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkReviewOpening measures from the slash command to the last reviewer's card: recorded, and standing in Slack.
func BenchmarkReviewOpening(b *testing.B) {
	for _, users := range []int{1000, 5000} {
		b.Run(fmt.Sprintf("%d-users", users), func(b *testing.B) {
			var recorded, delivered []time.Duration
			for range b.N {
				r, proxy, _ := openedWide(b, users)
				var opened commitsOf
				opened.watch(proxy, "packet.opened")
				begun := time.Now()
				r.startWide()
				delivered = append(delivered, time.Since(begun))
				proxy.on(nil, nil)
				recorded = append(recorded, opened.last.Sub(begun))
			}
			slices.Sort(recorded)
			slices.Sort(delivered)
			inMilliseconds(b, "recorded-", recorded)
			inMilliseconds(b, "delivered-", delivered)
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkReviewStatus measures the answer to /io review acme status while forty people decide on
// 5,000 users, as Slack sees it.
func BenchmarkReviewStatus(b *testing.B) {
	r, _, _ := openedWide(b, 5000)
	r.startWide()
	var took []time.Duration
	b.ResetTimer()
	for range b.N {
		res, err := r.slack.SlashCommand(r.ctx, dee, opsRoom, "/io", "review acme status")
		if err != nil || res.Error != "" {
			b.Fatalf("status: %v %+v", err, res)
		}
		took = append(took, res.Took)
	}
	b.StopTimer()
	slices.Sort(took)
	inMilliseconds(b, "", took)
}

// startWide opens the review and waits until everybody is asked.
func (r *reader) startWide() slacksim.CommandResult {
	r.t.Helper()
	res, err := r.slack.SlashCommand(r.ctx, dee, opsRoom, "/io", "review acme start")
	if err != nil || campaignID(res.Text) == "" {
		r.t.Fatalf("start: %v %+v", err, res)
	}
	r.allAsked()
	return res
}

// inMilliseconds reports the median and the 99th percentile of sorted times.
func inMilliseconds(b *testing.B, prefix string, sorted []time.Duration) {
	b.Helper()
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(sorted[len(sorted)/2]), prefix+"p50-ms")
	b.ReportMetric(ms(sorted[min(len(sorted)*99/100, len(sorted)-1)]), prefix+"p99-ms")
}
