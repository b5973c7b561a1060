from tests.faults.table import write

write()
