package kafka

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"unpark/schemas"
)

// Difference is one way in which a cluster is not as the table of topics has it.
type Difference struct {
	Topic string
	// Setting is a topic setting by Kafka's name, partitions or replication;
	// empty: the whole topic.
	Setting string
	// What is wrong, and what to Do about it.
	What, Do string
	// Warning: unpark can work with it.
	Warning bool
}

func (d Difference) String() string {
	s := d.Topic
	if d.Warning {
		s += ": warning"
	}
	if d.Setting != "" {
		s += ": " + d.Setting
	}
	return s + ": " + d.What + "; " + d.Do
}

// CheckTopics compares a cluster with the table of topics. Differences are in
// the table's order; none means all is well.
func CheckTopics(ctx context.Context, adm *kadm.Client, l Layout) ([]Difference, error) {
	have, err := listTopics(ctx, adm, l)
	if err != nil {
		return nil, err
	}
	settings, err := describe(ctx, adm, l, have)
	if err != nil {
		return nil, err
	}
	var ds []Difference
	for _, t := range schemas.Topics() {
		name := t.Name(l.Prefix)
		detail, ok := have[name]
		if !ok || !have.Has(name) {
			ds = append(ds, Difference{Topic: name, What: "missing", Do: "run: unpark topics create"})
			continue
		}
		if detail.Err != nil {
			ds = append(ds, Difference{Topic: name, What: detail.Err.Error(), Do: "allow unpark to describe it"})
			continue
		}
		ds = append(ds, l.comparePartitions(t, detail)...)
		ds = append(ds, l.compareSettings(t, settings[name])...)
	}
	return ds, nil
}

// describe returns the settings of the topics that are there.
func describe(ctx context.Context, adm *kadm.Client, l Layout, have kadm.TopicDetails) (map[string]map[string]string, error) {
	present := slices.DeleteFunc(names(l), func(n string) bool { return have[n].Err != nil })
	configs, err := adm.DescribeTopicConfigs(ctx, present...)
	if err != nil {
		return nil, fmt.Errorf("describe topics: %w", err)
	}
	settings := make(map[string]map[string]string)
	for _, rc := range configs {
		if rc.Err != nil {
			return nil, fmt.Errorf("describe topic %s: %w", rc.Name, rc.Err)
		}
		settings[rc.Name] = make(map[string]string)
		for _, c := range rc.Configs {
			settings[rc.Name][c.Key] = c.MaybeValue()
		}
	}
	return settings, nil
}

func (l Layout) comparePartitions(t schemas.Topic, d kadm.TopicDetail) (ds []Difference) {
	if got, want := len(d.Partitions), int(l.partitions(t)); got != want {
		do := "delete it and run: unpark topics create"
		if t.Partitioned {
			do = fmt.Sprintf("write topics: {partitions: %d} if all of unpark's topics have as many, else choose a new prefix, create the topics and replay", got)
		}
		ds = append(ds, Difference{
			Topic: d.Topic, Setting: "partitions", Do: do,
			What: fmt.Sprintf("has %d, must have %d", got, want),
		})
	}
	if got, want := d.Partitions.NumReplicas(), int(l.replication()); got < want {
		ds = append(ds, Difference{
			Topic: d.Topic, Setting: "replication", Warning: true,
			What: fmt.Sprintf("has %d, configured are %d", got, want),
			Do:   "move it with kafka-reassign-partitions.sh, or write what it has in topics: {replication: ...}",
		})
	}
	return ds
}

func (l Layout) compareSettings(t schemas.Topic, got map[string]string) (ds []Difference) {
	want := l.config(t)
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if got[key] == want[key] {
			continue
		}
		ds = append(ds, Difference{
			Topic: t.Name(l.Prefix), Setting: key, Warning: key == retention || key == segment,
			What: fmt.Sprintf("is %s, should be %s", inWords(key, got[key]), inWords(key, want[key])),
			Do: fmt.Sprintf("run: kafka-configs.sh --alter --entity-type topics --entity-name %s --add-config %s=%s",
				t.Name(l.Prefix), key, want[key]),
		})
	}
	return ds
}

// inWords says how long a retention is.
func inWords(key, value string) string {
	ms, err := strconv.ParseInt(value, 10, 64)
	switch {
	case value == "":
		return "not set"
	case key != retention || err != nil:
		return value
	case ms < 0:
		return "for ever"
	}
	const day = 24 * time.Hour
	d := time.Duration(ms) * time.Millisecond
	if d == day {
		return "1 day"
	}
	if d%day == 0 {
		return fmt.Sprintf("%d days", d/day)
	}
	return d.String()
}
