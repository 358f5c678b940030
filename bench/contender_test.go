package bench

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"unpark/internal/localtest"
	"unpark/schemas"
)

// ourGroup is the processor's, whose name follows from the prefix; those of the
// peer have a new name every time.
const ourGroup = "bench-processor"

// contender is a process that works the arena's log.
type contender struct {
	a       *arena
	name    string
	threads int
	group   string
	topics  []string // what is to be removed after it; the first has its escalations

	cmd    *exec.Cmd
	exited <-chan struct{}
	log    string
}

// ours starts the processor with that many runners.
func (a *arena) ours(runners int) *contender {
	a.t.Helper()
	return a.started(runners, a.configure(runners))
}

// even starts the processor with transactions as long as the peer's: far behind the
// end, as it is here, they are four times as long as is set.
func (a *arena) even(runners int) *contender {
	a.t.Helper()
	c := a.started(runners, a.configure(runners, "commit_interval: 25ms"))
	c.name = nameEven
	return c
}

func (a *arena) started(runners int, config string) *contender {
	a.t.Helper()
	run(a.t, a.binary, "topics", "create", "--config", config)
	return a.processor(runners, config, "warn")
}

// processor starts the processor of a configuration, be it again.
func (a *arena) processor(runners int, config, logLevel string) *contender {
	a.t.Helper()
	c := &contender{
		a: a, name: nameOurs, threads: runners, group: ourGroup,
		topics: []string{schemas.Escalations.Name(prefix), schemas.SLAChangelog.Name(prefix)},
	}
	return c.start(a.binary, "run", "--config", config, "--roles", "processor", "--log-level", logLevel)
}

// peer starts the Kafka Streams application with that many threads.
func (a *arena) peer(threads int) *contender {
	a.t.Helper()
	if a.classpath == "" {
		a.classpath = localtest.Java(a.t, "kstreams", javaSources(a.t)...)
	}
	a.runs++
	app := "bench-kstreams-" + strconv.Itoa(a.runs)
	c := &contender{
		a: a, name: namePeer, threads: threads, group: app,
		topics: []string{app + "-escalations", app + "-conversations-changelog"},
	}
	_, err := a.adm.CreateTopic(a.t.Context(), partitions, 1, nil, c.topics[0])
	a.must(err)
	return c.start("java", append(a.jvm, "-cp", a.classpath, "unpark.bench.Main",
		a.broker.Addr, app, input(), c.topics[0], strconv.Itoa(threads), filepath.Join(a.dir, app))...)
}

func (c *contender) start(name string, args ...string) *contender {
	t := c.a.t
	t.Helper()
	c.log = filepath.Join(c.a.dir, c.group+strconv.Itoa(c.a.runs)+".log")
	out, err := os.Create(c.log)
	c.a.must(err)
	defer out.Close()
	c.cmd = exec.Command(name, args...)
	c.cmd.Stdout, c.cmd.Stderr = out, out
	c.exited, err = localtest.Spawn(c.cmd)
	c.a.must(err)
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill() // gone already, if all went well
		<-c.exited
	})
	return c
}

// follow tells how much of the log is committed, until all of it is.
func (c *contender) follow(every time.Duration, told func(done int64)) {
	t := c.a.t
	t.Helper()
	poll := time.NewTicker(every)
	defer poll.Stop()
	for total := c.a.records(); ; {
		done := c.a.done(c.group)
		told(done)
		if done >= total {
			return
		}
		select {
		case <-poll.C:
		case <-c.exited:
			t.Fatalf("%s ended after %d of %d records\n%s", c.name, done, total, c.tail())
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}

// end ends the process in order.
func (c *contender) end() {
	c.a.t.Helper()
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.exited:
	case <-time.After(time.Minute):
		c.a.t.Fatalf("%s did not end within a minute\n%s", c.name, c.tail())
	}
}

// stop ends the process, returns what it told and removes what is left of it.
func (c *contender) stop() escalations {
	c.a.t.Helper()
	c.end()
	told := c.a.told(c.topics[0])
	deleted, err := c.a.adm.DeleteTopics(c.a.t.Context(), c.topics...)
	c.a.must(err)
	c.a.must(deleted.Error())
	if c.group == ourGroup {
		c.a.forget(c.group)
	}
	return told
}

func (c *contender) tail() string {
	data, err := os.ReadFile(c.log)
	if err != nil {
		return err.Error()
	}
	return string(data[max(0, len(data)-4000):])
}
