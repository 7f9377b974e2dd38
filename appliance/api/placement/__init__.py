"""Which run goes to which worker, and when. Pure: the queue, the workers and the clock are passed in (ADR 0010).

queue.py     what is known of runs and workers
ability.py   whether a worker can do a run, and what is missing where none can
order.py     who is next
assign.py    which of them go to which worker now
outlook.py   when the others will, as far as that can be told
"""
