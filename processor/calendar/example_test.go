package calendar_test

import (
	"fmt"
	"time"

	"unpark/processor/calendar"
)

// The Friday case: a customer writes at a quarter to five, the answer is owed
// within three and a half office hours, the weekend does not count.
func ExampleCalendar_Add() {
	office, err := calendar.Compile(calendar.Config{
		Timezone: "Europe/Berlin",
		Weekly: map[string][]string{
			"mon": {"09:00-17:00"}, "tue": {"09:00-17:00"}, "wed": {"09:00-17:00"},
			"thu": {"09:00-17:00"}, "fri": {"09:00-17:00"},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	written := time.Date(2026, 2, 27, 15, 45, 0, 0, time.UTC)
	due, _ := office.Add(written.UnixMilli(), (210 * time.Minute).Milliseconds())
	fmt.Println(time.UnixMilli(due).UTC().Format(time.RFC3339))
	// Output: 2026-03-02T11:15:00Z
}

// A schedule group as Genesys has it, with a holiday that returns every year.
func ExampleCalendar_Intervals() {
	group, err := calendar.Compile(calendar.Config{ScheduleGroup: &calendar.ScheduleGroup{
		TimeZone: "Europe/Berlin",
		OpenSchedules: []calendar.Schedule{
			{Start: "2026-01-05T09:00:00.000", End: "2026-01-05T17:00:00.000", RRule: "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"},
		},
		HolidaySchedules: []calendar.Schedule{
			{Start: "2020-12-25T00:00:00.000", End: "2020-12-27T00:00:00.000", RRule: "FREQ=YEARLY"},
		},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	from := time.Date(2026, 12, 24, 15, 0, 0, 0, time.UTC)
	for _, i := range group.Intervals(from.UnixMilli(), from.AddDate(0, 0, 4).UnixMilli()) {
		fmt.Println(time.UnixMilli(i.From).UTC().Format("Mon 15:04"), i.State)
	}
	// Output:
	// Thu 15:00 open
	// Thu 16:00 closed
	// Thu 23:00 holiday
	// Sat 23:00 closed
	// Mon 08:00 open
}

func ExampleOccurrences() {
	_, utc, _ := calendar.Occurrences("Europe/Berlin", "2026-03-28T02:30:00", "FREQ=DAILY;COUNT=2", 10)
	fmt.Println(utc)
	// Output: [2026-03-28T01:30:00Z 2026-03-29T01:30:00Z]
}

func ExampleEval() {
	fmt.Printf("%s\n", calendar.Eval([]byte(`{"calendar": {"timezone": "UTC", "weekly": {"mon": ["09:00-17:00"]}}, "op": "elapsed", "start": "2026-03-02T16:00:00Z", "end": "2026-03-09T10:00:00Z"}`)))
	// Output: {"seconds":7200}
}
