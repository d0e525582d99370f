package serve

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestAsidesEndBeforeTheRecordIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a asides
		var n atomic.Int32
		wait := func(ctx context.Context) {
			<-ctx.Done()
			time.Sleep(time.Second) // what was on its way
			n.Add(1)
		}
		a.run(wait) // before the beginning
		a.begin(t.Context())
		a.run(wait)
		a.run(wait)
		synctest.Wait()
		a.end()
		if n.Load() != 2 {
			t.Errorf("%d of two works had ended when end came back", n.Load())
		}
		a.run(wait)
		a.end()
		if n.Load() != 2 {
			t.Error("a work began after the end")
		}
	})
}

func TestAnAsideIsGivenUpInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a asides
		a.begin(t.Context())
		begun := time.Now()
		a.run(func(ctx context.Context) { <-ctx.Done() })
		a.wg.Wait()
		if took := time.Since(begun); took != startPatience {
			t.Errorf("it took %s", took)
		}
	})
}
