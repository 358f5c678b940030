package genesys

import "github.com/twmb/franz-go/pkg/kgo"

// portion is which partitions of genesys-requests come to this process.
type portion struct {
	assigned   map[int32]bool
	partitions int // of the topic; 0: not known yet
	keys       kgo.TopicPartitioner
}

func newPortion() portion {
	// As the processor writes them: by Kafka's default partitioner.
	return portion{assigned: make(map[int32]bool), keys: kgo.StickyKeyPartitioner(nil).ForTopic("")}
}

func (p *portion) set(partitions map[string][]int32, assigned bool) {
	for _, ids := range partitions {
		for _, id := range ids {
			if assigned {
				p.assigned[id] = true
			} else {
				delete(p.assigned, id)
			}
		}
	}
}

// owns says whether the requests of an org come to this process.
func (p *portion) owns(org string) bool {
	return p.partitions > 0 && p.assigned[int32(p.keys.Partition(&kgo.Record{Key: []byte(org)}, p.partitions))]
}
